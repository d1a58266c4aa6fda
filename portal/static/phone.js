// What a page does better with a script. Every page does its work without this file.

// A form goes once, however often the button is tapped.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.going) {
    event.preventDefault();
    return;
  }
  form.dataset.going = "yes";
  for (const button of form.querySelectorAll("button[type=submit]")) {
    button.setAttribute("aria-disabled", "true");
  }
});

// The back button shows a page from memory: its forms may go again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-going]")) {
    delete form.dataset.going;
    for (const button of form.querySelectorAll("button[aria-disabled]")) {
      button.removeAttribute("aria-disabled");
    }
  }
});

// A chosen file is sent at once; the button for it stays for those who have no script.
for (const input of document.querySelectorAll(".pick input[type=file]")) {
  input.addEventListener("change", () => {
    if (input.files.length) {
      const label = input.closest(".pick");
      label.classList.add("btn--main");
      label.setAttribute("aria-busy", "true");
      document.querySelector("[data-sending]")?.removeAttribute("hidden");
      input.form.requestSubmit();
    }
  });
}

// Files that are being looked at: ask again until each has its word.
async function refresh(tries) {
  const list = document.querySelector("[data-pending]");
  if (!list || tries === 0) {
    return;
  }
  await new Promise((done) => setTimeout(done, 1500));
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(list.id);
    if (answer.ok && fresh) {
      list.replaceWith(fresh);
    }
  } catch {
    // Offline: the page says what it knew last; the next try may do better.
  }
  refresh(tries - 1);
}
refresh(40);

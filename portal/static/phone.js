// What a page does better with a script. Every page does its work without this file.

import { tidy, wipe } from "./keep.js";

// A form goes once, however often the button is tapped.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.dataset.going) {
    event.preventDefault();
    return;
  }
  form.dataset.going = "yes";
  for (const button of form.querySelectorAll("button[type=submit]")) {
    button.setAttribute("aria-disabled", "true");
  }
  if (form.matches("[data-leave]")) {
    wipe();
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

/** Show anew what of the page has changed on the server; focus stays where it is, or nearby if that is gone. */
export async function redraw(request = location.href, how = {}) {
  const answer = await fetch(request, { ...how, headers: { Accept: "text/html" } });
  if (!answer.ok) {
    throw new Error(`${answer.status}`);
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-fresh]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && seen(fresh) !== seen(old)) {
      const focused = old.contains(document.activeElement) && document.activeElement.id;
      old.replaceWith(fresh);
      if (focused !== false) {
        (document.getElementById(focused) ?? fresh.querySelector("h2"))?.focus({ preventScroll: true });
      }
    }
  }
}

/** What of an element a person sees; tokens are drawn anew with every answer. */
function seen(element) {
  return element.outerHTML.replace(/<input type="hidden"[^>]*>/g, "");
}

// Files that are being looked at: ask again until each has its word.
async function refresh(tries) {
  await new Promise((done) => setTimeout(done, 1500));
  const pending = document.querySelector("[data-pending]");
  if (pending && tries) {
    await redraw().catch(() => {}); // offline: the page says what it knew last; the next try may do better
  }
  refresh(pending ? Math.max(0, tries - 1) : 40);
}

tidy();
refresh(40);

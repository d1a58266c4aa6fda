// Comparing and finding without leaving the page: the server draws the marks, and only they and what is said of them are
// exchanged. Without this script the same links and the same form open the same page.
const papers = () => document.querySelector(".viewer__doc");

/** Take over from the answer what changes when something else is looked for. */
function exchange(page) {
  const leaves = [...papers().querySelectorAll(".leaf")];
  for (const [at, leaf] of [...page.querySelectorAll(".viewer__doc .leaf")].entries()) {
    leaves[at].querySelector(".marks")?.remove();
    const marks = leaf.querySelector(".marks");
    if (marks) {
      leaves[at].append(document.adoptNode(marks));
    }
  }
  document.querySelector("#sought").replaceChildren(...page.querySelector("#sought").childNodes);
  const links = new Map([...page.querySelectorAll("a.compare")].map((link) => [link.id, link]));
  for (const link of document.querySelectorAll("a.compare")) {
    const now = links.get(link.id);
    for (const name of ["aria-current", "data-key"]) {
      if (now.hasAttribute(name)) {
        link.setAttribute(name, now.getAttribute(name));
      } else {
        link.removeAttribute(name);
      }
    }
  }
}

let turn = 0; // what is answered late, to an earlier question or on another item's page, changes nothing

async function look(address) {
  turn += 1;
  const mine = turn;
  try {
    const answer = await fetch(address);
    if (!answer.ok || answer.redirected) {
      throw new Error(answer.status);
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== turn) {
      return;
    }
    exchange(page);
  } catch {
    if (mine === turn) {
      location.assign(address);
    }
    return;
  }
  history.replaceState(null, "", address);
  const viewer = papers();
  const found = viewer.querySelector("#found");
  if (found) {
    const inside = viewer.getBoundingClientRect();
    const place = found.getBoundingClientRect();
    viewer.scrollBy({ top: place.top - inside.top - inside.height / 3, left: place.left - inside.left - inside.width / 3 });
    viewer.scrollIntoView({ block: "nearest" });
  }
}

document.addEventListener("page", () => { turn += 1; });

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.compare");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    look(link.href);
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches(".sought form")) {
    return;
  }
  event.preventDefault();
  const address = new URL(form.action);
  address.search = String(new URLSearchParams(new FormData(form)));
  look(String(address));
});

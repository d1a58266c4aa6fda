// Single keys for the desk (the list of them: /keys). Without this script every one of them is a link or a button.
//
// A page says what a key does: data-key="a" stands on the link, button or field itself. So a key can do nothing that a
// hand could not, and what is not on the page has no key.

const ZOOM = { "+": "larger", ";": "larger", "=": "larger", "-": "smaller", t: "turn" };
const WRITES = "input, textarea, select, [contenteditable]";

function isTyping(target) {
  return target instanceof Element && target.closest(WRITES) !== null && !target.matches("[type=radio], [type=checkbox]");
}

function act(thing) {
  if (thing.matches("textarea, input, select")) {
    thing.focus();
  } else {
    thing.click();
  }
}

function rows() {
  return [...document.querySelectorAll("tbody a.who")];
}

/** From the row in hand one on, or one back; from nowhere to the first or last. */
function step(by) {
  const all = rows();
  const at = all.indexOf(document.activeElement);
  const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
  all[to]?.focus();
}

/** The paper beside the one that is shown. */
function paper(by) {
  const all = [...document.querySelectorAll(".docs a")];
  const at = all.findIndex((one) => one.hasAttribute("aria-current"));
  all[at + by]?.click();
}

let list = document.querySelector("#keys");

/** The list stands on a page of its own; here it opens over the one in hand. Where it cannot be had, that page opens. */
async function show(link) {
  if (list?.open) {
    list.close();
    return;
  }
  try {
    if (!list) {
      const answer = await fetch(link.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      list = document.body.appendChild(document.adoptNode(page.querySelector("#keys")));
    }
    list.showModal();
  } catch {
    link.click();
  }
}

const ACTS = {
  j: () => step(1),
  k: () => step(-1),
  "[": () => paper(-1),
  "]": () => paper(1),
  x: () => document.activeElement?.closest("tr")?.querySelector("input[type=checkbox]")?.click(),
  0: () => document.dispatchEvent(new Event("whole")),
};

function whatFor(key) {
  const own = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);
  if (own && key === "?") {
    return () => show(own);
  }
  if (own) {
    return () => act(own);
  }
  const tool = document.querySelector(`[data-do="${ZOOM[key]}"]:not([hidden])`);
  return tool ? () => tool.click() : ACTS[key];
}

let done = false; // one decision a page: a second key pressed while the answer is on its way decides nothing

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing) {
    return;
  }
  if (event.key === "Escape" && !list?.open) {
    const back = document.querySelector("a.back");
    if (isTyping(event.target)) {
      event.target.blur();
    } else if (back && !event.defaultPrevented) {
      back.click();
    }
    return;
  }
  if (isTyping(event.target) || (list?.open && event.key !== "?")) {
    return;
  }
  const wanted = whatFor(event.key.length === 1 ? event.key.toLowerCase() : event.key);
  if (wanted && !done) {
    event.preventDefault();
    wanted();
  }
});

document.addEventListener("submit", (event) => { done = event.target.method === "post"; }, true);
globalThis.addEventListener("pageshow", () => { done = false; });
document.addEventListener("page", () => {
  done = false;
  list = document.querySelector("#keys");
});

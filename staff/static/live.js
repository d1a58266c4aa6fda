// What changes while a page stands open: counts, who is at which line, who would like to have what is in one's hands.
// Without this script the page says it as it was when it was opened.
//
// The page names where to ask (data-poll), how often (data-every, seconds) and what to replace (data-live). Nothing moves
// under a hand: lines keep their places, and what holds the focus is left alone until the next time.

const LONGEST = 5 * 60_000; // between two questions, however often they have failed
const AWAY = 3 * 60_000; // without a key or a touch for so long she is not at work here
let place = null;
let wait = 0;
let asked = 0;
let touched = Date.now();
let timer = 0;
let over = false;

function put(page) {
  for (const now of page.querySelectorAll("[data-live]")) {
    const old = document.querySelector(`[data-live="${CSS.escape(now.dataset.live)}"]`);
    const same = old?.textContent.trim().replace(/\s+/g, " ") === now.textContent.trim().replace(/\s+/g, " ");
    if (old && !same && !old.contains(document.activeElement)) {
      old.replaceChildren(...now.childNodes);
    }
  }
}

function question() {
  if (!("post" in place.dataset)) {
    return {};
  }
  const body = new URLSearchParams({ active: Date.now() - touched < AWAY ? "yes" : "no" });
  body.set("csrf_token", document.querySelector("[name=csrf_token]").value);
  return { method: "POST", body };
}

async function ask() {
  timer = 0;
  asked = Date.now();
  const [asks, every] = [place, Number(place.dataset.every) * 1000];
  try {
    const answer = await fetch(place.dataset.poll, { ...question(), redirect: "manual" });
    const page = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    if (asks !== place) {
      return; // another page has taken this one's place meanwhile
    }
    if (page) {
      put(page);
      wait = every;
    } else if (answer.status < 500) {
      over = true; // signed out, or not hers to see any more: asking again would not change it
    } else {
      wait = Math.min(wait * 2, LONGEST);
    }
  } catch {
    wait = Math.min(wait * 2, LONGEST);
  }
  if (asks === place) {
    later();
  }
}

function later() {
  clearTimeout(timer);
  if (!over && document.visibilityState === "visible") {
    timer = setTimeout(ask, Math.max(0, asked + wait - Date.now()));
  }
}

function begin() {
  place = document.querySelector("[data-poll]");
  wait = Number(place?.dataset.every) * 1000;
  over = place === null;
  asked = Date.now();
  later();
}

for (const sign of ["keydown", "pointerdown", "pointermove", "wheel"]) {
  addEventListener(sign, () => { touched = Date.now(); }, { capture: true, passive: true });
}
document.addEventListener("visibilitychange", later);
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    begin();
  }
});
document.addEventListener("page", begin);
begin();

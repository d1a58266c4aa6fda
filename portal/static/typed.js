// What stands in a field is kept on the server while it is written: at once where something is chosen or the field is
// left, and at every pause of typing. Words stand in the page (forms/question.html). Without this file a screen is kept
// at 「つぎへ」.

const PAUSE = 1500; // ms without a key
const AGAIN = 5000; // ms until the line is tried again

const form = document.querySelector("form[data-typed]");
const place = document.getElementById("kept");
const headers = { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]')?.content ?? "" };
const known = new Map(); // by a field's name, what the server has
const timers = new Map();
let turn = Promise.resolve(); // one field after the other, so that the last word wins
let over = false; // the page goes on, or there is nothing to be kept here any more
let leaves = new AbortController(); // of a save that is on its way when the page is sent

function fields(name) {
  return [...form.elements].filter((one) => one.name === name);
}

function values(name, first = false) {
  return fields(name)
    .filter((one) => !["radio", "checkbox"].includes(one.type) || (first ? one.defaultChecked : one.checked))
    .map((one) => (["radio", "checkbox"].includes(one.type) || !first ? one.value : one.defaultValue));
}

function isKept(name) {
  return JSON.stringify(values(name)) === known.get(name);
}

function soon(name, wait) {
  clearTimeout(timers.get(name));
  timers.set(
    name,
    setTimeout(() => {
      turn = turn.then(() => keep(name));
    }, wait),
  );
}

async function keep(name) {
  if (over || isKept(name)) {
    return;
  }
  const now = values(name);
  const body = new URLSearchParams([["question", name], ...now.map((value) => ["value", value])]);
  let answer;
  try {
    answer = await fetch(form.dataset.typed, { method: "POST", body, headers, keepalive: true, signal: leaves.signal });
  } catch {
    answer = null;
  }
  if (over) {
    return;
  }
  if (answer?.ok) {
    known.set(name, JSON.stringify(now));
    place.querySelector("[data-at]").textContent = (await answer.json()).at;
    show("kept");
  } else if ([401, 403].includes(answer?.status)) {
    show("signin");
  } else if ([409, 422].includes(answer?.status)) {
    known.set(name, JSON.stringify(now)); // it would be refused again
    place.querySelector("[data-sentence]").textContent = (await answer.json()).sentence;
    show("refused");
  } else if (answer?.status !== 404) {
    show("down");
    soon(name, AGAIN);
  }
}

/** Show one of the lines; what has not changed is not said again to those who listen. */
function show(state) {
  if (place.dataset.state === state && state !== "refused") {
    return;
  }
  place.dataset.state = state;
  for (const line of place.querySelectorAll("[data-in]")) {
    line.hidden = line.dataset.in !== state;
  }
  place.querySelector("[role=status]").textContent = place.querySelector(`[data-in="${state}"]`).textContent;
}

function all(wait) {
  for (const name of known.keys()) {
    soon(name, wait);
  }
}

for (const { name } of form.elements) {
  if (name && name !== "csrf_token") {
    known.set(name, JSON.stringify(values(name, true)));
  }
}
form.addEventListener("input", (event) => known.has(event.target.name) && soon(event.target.name, PAUSE));
form.addEventListener("change", (event) => known.has(event.target.name) && soon(event.target.name, 0));
form.addEventListener("submit", () => {
  over = true;
  leaves.abort();
  leaves = new AbortController();
});
window.addEventListener("online", () => all(0));
window.addEventListener("pageshow", (event) => {
  over = false;
  all(event.persisted ? PAUSE : 0); // what a browser has put back into the fields by itself
});
document.addEventListener("visibilitychange", () => document.hidden && all(0)); // the phone rings

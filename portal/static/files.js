// Each chosen file is sent at once and has its own row until the page shows it among what has arrived.
// Words and drawings stand in the page (file_rows.html); here is only what happens.

import * as keep from "./keep.js";
import { redraw } from "./phone.js";
import { prepare } from "./picture.js";
import { hex, Refused, send, sha256, SignInAgain, terminate } from "./tus.js";

const desk = document.getElementById("uploads"); // the template with the row and where uploads go
const { to, submission } = desk.dataset;
const headers = { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]')?.content ?? "" };
const CAMERA = "madoguchi-camera"; // in sessionStorage: the camera is open
const MOVING = ["preparing", "queued", "sending", "arrived"];
const rows = new Map(); // by the id of the attempt, in the order they were chosen
let bench = Promise.resolve(); // photos are made ready one after the other: each is large while it is open
let busy = null; // the row being sent: one at a time, so that they arrive in their order
let retaken = null; // the row that the next chosen file stands for
let wanted = null; // the id of the link or button that goes on once everything is there
let since = Date.now();

// ---- a row ----

function add(entry, restored) {
  const li = desk.content.querySelector("li").cloneNode(true);
  const row = { entry, restored, li, state: "", stop: new AbortController() };
  for (const place of li.querySelectorAll("[data-name]")) {
    place.textContent = entry.name;
  }
  li.querySelector("h3").id = `name-${entry.id}`;
  li.querySelector("progress").setAttribute("aria-labelledby", `name-${entry.id}`);
  li.dataset.id = entry.id;
  if (!document.querySelector("form[data-pick]")) {
    li.querySelector("[data-act=retake]").remove();
  }
  rows.set(entry.id, row);
  const home = [...document.querySelectorAll("[data-going]")].find((one) => one.dataset.going === entry.replaces);
  const list = home ?? document.querySelector("[data-going]");
  list.hidden = false;
  list.querySelector("ul").append(li);
  show(row, "preparing");
  bench = bench.then(() => ready(row));
}

/** Put a row into a state; the words and buttons of that state are in the template. */
function show(row, state, said) {
  if (row.state === state) {
    return;
  }
  row.state = row.li.dataset.state = state;
  for (const part of row.li.querySelectorAll("[data-in]")) {
    part.hidden = !part.dataset.in.split(" ").includes(state);
    row.li.dataset.tone = part.hidden ? row.li.dataset.tone : (part.dataset.tone ?? row.li.dataset.tone);
  }
  if (said) {
    row.li.querySelector("[data-sentence]").textContent = said;
  }
  if (row.li.contains(document.activeElement) && document.activeElement.hidden) {
    row.li.querySelector("h3").focus({ preventScroll: true });
  }
  if (!["preparing", "queued"].includes(state)) {
    announce(row, row.li.querySelector(`[data-in="${state}"]`)?.textContent ?? "");
  }
  tell();
}

function announce(row, words) {
  document.getElementById("said").textContent = `${row.entry.name}　${words.replace(/\s+/g, " ")}`;
}

/** Take a row off the page, with the focus where the person can go on. */
async function leave(row) {
  row.stop.abort();
  rows.delete(row.entry.id);
  await keep.drop(row.entry.id);
  const home = row.li.closest("[data-going]");
  const near = row.li.nextElementSibling ?? row.li.previousElementSibling;
  const focused = row.li.contains(document.activeElement);
  row.li.remove();
  home.hidden = !home.querySelector("li");
  if (focused) {
    (near?.querySelector("h3") ?? document.querySelector("#rows h2")).focus({ preventScroll: true });
  }
  tell();
}

// ---- from chosen to arrived ----

async function ready(row) {
  const { entry } = row;
  const { blob, fault, thumb } = await prepare(entry.blob);
  if (!rows.has(entry.id)) {
    return;
  }
  if (thumb) {
    thumb.className = "thumb";
    thumb.setAttribute("aria-hidden", "true");
    row.li.querySelector(".thumb").replaceWith(thumb);
  }
  if (!entry.ready) {
    Object.assign(entry, { blob, fault, ready: true });
    keep.put(entry);
  }
  show(row, entry.fault ?? "queued");
  next();
}

function next() {
  const row = busy ? null : [...rows.values()].find((one) => one.state === "queued");
  if (row) {
    busy = row;
    run(row).finally(() => free(row));
  }
}

function free(row) {
  busy = busy === row ? null : busy;
  next();
}

async function run(row) {
  const { entry, stop } = row;
  try {
    await alone(entry.id, stop.signal, async () => {
      if (row.restored && !(await keep.has(entry.id))) {
        return; // another window has brought it meanwhile
      }
      show(row, "sending");
      const bar = row.li.querySelector("progress");
      const percent = row.li.querySelector("[data-percent]");
      entry.sha256 ??= await sha256(entry.blob);
      await send(entry.blob, {
        to,
        url: entry.url,
        headers,
        signal: stop.signal,
        metadata: () => ({
          filename: entry.name,
          attempt: entry.id,
          ...(entry.sha256 && { sha256: entry.sha256 }),
          ...(entry.replaces && { replaces: entry.replaces }),
          ...(entry.shot && { shot: entry.shot }),
        }),
        created: (url) => keep.put(Object.assign(entry, { url })),
        lost: () => Object.assign(entry, { url: null }),
        progress: (bytes) => {
          const before = bar.value;
          bar.value = Math.round((100 * bytes) / entry.blob.size);
          percent.textContent = `${bar.value}%`;
          if (row.state !== "later" || bar.value > before) {
            show(row, "sending"); // an answer alone does not mean that there is room again
          }
        },
        waiting: (theirs) => {
          show(row, theirs ? "later" : "waiting");
          free(row);
        },
      });
    });
    await keep.drop(entry.id);
    show(row, "arrived");
    free(row);
    await shown();
    await leave(row);
  } catch (error) {
    if (stop.signal.aborted) {
      return;
    }
    if (error instanceof Refused) {
      keep.drop(entry.id);
      show(row, "refused", error.sentence);
    } else {
      show(row, error instanceof SignInAgain ? "signin" : "failed");
    }
  }
}

/** Until the page shows what has arrived: the line may be gone again, and nothing may seem to vanish. */
async function shown() {
  while (!(await redraw().then(() => true, () => false))) {
    await new Promise((done) => setTimeout(done, 2000));
  }
}

/** Two windows of one phone do not send the same file against each other. */
function alone(id, signal, work) {
  return navigator.locks ? navigator.locks.request(`madoguchi-${id}`, { signal }, work) : work();
}

// ---- what a thumb does ----

const acts = {
  retake(row) {
    retaken = row;
    const forms = [...document.querySelectorAll("form[data-pick]")];
    const alike = forms.filter((form) => ["replaces", "shot"].every((name) => of(form, name) === (row.entry[name] ?? "")));
    (alike[row.entry.camera ? 0 : 1] ?? forms[0])?.querySelector("input[type=file]").click();
  },
  anyway(row) {
    keep.put(Object.assign(row.entry, { fault: null }));
    show(row, "queued");
    next();
  },
  again(row) {
    row.stop.abort();
    row.stop = new AbortController();
    free(row);
    show(row, "queued");
    next();
  },
  remove(row) {
    if (row.entry.url) {
      terminate(row.entry.url, headers).catch(() => {}); // it expires by itself
    }
    leave(row).then(next);
  },
};

/** What a picker's form says beside the file. */
function of(form, name) {
  return form.elements[name]?.value ?? "";
}

/** Take what stands in a picker. */
function take(input) {
  const files = [...input.files];
  const [replaces, shot] = [of(input.form, "replaces"), of(input.form, "shot")];
  const camera = input.hasAttribute("capture");
  input.value = "";
  opened(null);
  if (retaken && files.length) {
    acts.remove(retaken);
  }
  retaken = null;
  for (const file of files) {
    const entry = { id: uuid(), submission, replaces, shot, camera, name: file.name, since: (since += 1), blob: file };
    keep.put(entry);
    add(entry, false);
  }
}

const pickers = () => document.querySelectorAll("form[data-pick] input[type=file]");

document.addEventListener("change", (event) => {
  if (event.target.matches("form[data-pick] input[type=file]")) {
    take(event.target);
  }
});

document.addEventListener("cancel", () => {
  retaken = null;
  opened(null);
}, true);

document.addEventListener("click", (event) => {
  const input = event.target.closest?.("form[data-pick] input[type=file]");
  if (input) {
    wanted = null;
    opened(input.hasAttribute("capture") ? location.pathname : null);
    tell();
  }
  const button = event.target.closest?.("[data-act]");
  const row = rows.get(button?.closest("[data-id]")?.dataset.id);
  if (row) {
    acts[button.dataset.act](row);
  }
});

// Removing and moving what has arrived: the same forms as without a script, without a new page.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-fresh] form.acts")) {
    return;
  }
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form));
  const { submitter } = event;
  if (submitter?.name) {
    body.append(submitter.name, submitter.value);
  }
  redraw(submitter?.getAttribute("formaction") ?? form.action, { method: "POST", body }).catch(() => form.submit());
}, true);

// ---- going on waits ----

document.addEventListener("click", (event) => {
  const go = event.target.closest?.("[data-waits], [data-act=go]");
  if (!go || !rows.size) {
    return;
  }
  if (go.dataset.act) {
    goOn();
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  wanted = go.id;
  tell();
  document.getElementById("waits").scrollIntoView({ block: "nearest" });
}, true);

/** Say what is waited for; once nothing is, go on. */
function tell() {
  const without = document.querySelector("#next[data-other]"); // "I have none, go on": not while one is on its way
  if (without && without.matches(".btn--main") !== (rows.size > 0)) {
    [without.textContent, without.dataset.other] = [without.dataset.other, without.textContent];
    without.classList.toggle("btn--main");
    without.classList.toggle("btn--quiet");
  }
  const note = document.getElementById("waits");
  const left = [...rows.values()];
  if (wanted && !left.length) {
    goOn();
    return;
  }
  note.hidden = !wanted;
  if (wanted) {
    const stuck = left.filter((row) => !MOVING.includes(row.state));
    for (const part of note.querySelectorAll("[data-when]")) {
      part.hidden = (part.dataset.when === "stuck") !== (stuck.length > 0);
    }
    const { few, many } = note.dataset;
    note.querySelector("[data-count]").textContent = (left.length < 10 ? few : many).replace("#", left.length);
    note.querySelector("[data-names]").textContent = stuck.map((row) => row.entry.name).join("、");
  }
}

async function goOn() {
  const go = document.getElementById(wanted);
  const last = go?.dataset.waits === "last";
  for (const row of [...rows.values()]) {
    if (last) {
      row.stop.abort();
      await keep.drop(row.entry.id); // after sending there is nowhere for it to go
    }
  }
  rows.clear();
  wanted = null;
  go?.click();
}

// ---- the camera may have ended the browser ----

function opened(path) {
  try {
    path ? sessionStorage.setItem(CAMERA, path) : sessionStorage.removeItem(CAMERA);
  } catch {
    // Without storage there is no hint.
  }
}

function hint() {
  try {
    const lost = sessionStorage.getItem(CAMERA) === location.pathname && !rows.size;
    document.getElementById("camera-hint").hidden = !lost;
  } catch {
    // No storage, or no camera on this page.
  }
  opened(null);
}

window.addEventListener("pagehide", () => opened(null));
window.addEventListener("pageshow", (event) => event.persisted && location.reload()); // its rows are of before

function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

keep.chosen(submission).then((entries) => {
  entries.forEach((entry) => add(entry, true));
  hint();
  pickers().forEach((input) => input.files.length && take(input)); // chosen before this file was here
});

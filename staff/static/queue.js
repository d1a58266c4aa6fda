// The keys of the queue. Every one presses what stands on the page, so without this script nothing is missing.
const SWITCH = "madoguchi-keys"; // a wish of this browser; nothing else is kept
const help = document.querySelector("#keys");
const button = help.querySelector("button");

function on() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true; // a browser that keeps nothing
  }
}

function show() {
  help.hidden = false;
  button.textContent = on() ? button.dataset.on : button.dataset.off;
  for (const hint of document.querySelectorAll("[data-key] kbd")) hint.hidden = !on();
}

function move(step) {
  const lines = [...document.querySelectorAll("a.who")];
  const at = lines.indexOf(document.activeElement);
  const next = at < 0 && step < 0 ? lines.length - 1 : at + step;
  lines[Math.max(0, Math.min(lines.length - 1, next))]?.focus();
}

button.addEventListener("click", () => {
  try {
    localStorage.setItem(SWITCH, on() ? "off" : "on");
  } catch {
    return;
  }
  show();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (!on() || typing || event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const key = event.key.toLowerCase();
  if (key === "j" || key === "k") return move(key === "j" ? 1 : -1);
  const found = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!found) return;
  event.preventDefault();
  if (found.matches("input")) found.focus();
  else found.click();
});
show();

// How far the worker is, asked every second; when it is done, the page shows what became of each. Without this script
// the link below the bar does the same.
const bar = document.querySelector("progress[data-from]");
const said = document.querySelector("#said");
let failed = 0;

async function look() {
  try {
    const answer = await fetch(bar.dataset.from, { headers: { Accept: "application/json" } });
    if (!answer.ok) {
      throw new Error(String(answer.status));
    }
    const { state, done, of, words } = await answer.json();
    failed = 0;
    bar.max = Math.max(1, of);
    bar.value = done;
    said.textContent = words;
    if (state !== bar.dataset.state) {
      location.reload();
      return;
    }
  } catch {
    failed += 1; // away for a moment, or signed out: the link stays
  }
  if (failed < 30) {
    setTimeout(look, 1000 + 1000 * failed);
  }
}

setTimeout(look, 500);

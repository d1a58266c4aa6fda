// Choosing rows of the queue: the box over them, and how many are chosen. Without this script each box works by itself,
// and the next page says the count. It asks for the boxes anew each time: the rows may have been fetched again.
const all = document.querySelector("#bulk-rows");
const count = document.querySelector("#bulk-count");
const chosen = document.querySelector("input[name=which][value=chosen]");
const boxes = () => [...document.querySelectorAll("input[name=id][form=bulk]")];

function tell() {
  const those = boxes();
  const many = those.filter((box) => box.checked).length;
  count.textContent = String(many);
  count.hidden = false;
  all.checked = many > 0 && many === those.length;
  all.indeterminate = many > 0 && many < those.length;
}

document.addEventListener("change", ({ target }) => {
  if (target === all) {
    for (const box of boxes()) {
      box.checked = all.checked;
    }
  } else if (target.name !== "id") {
    return;
  }
  chosen.checked = true;
  tell();
});

all.hidden = false;
globalThis.addEventListener("pageshow", tell); // a browser that comes back keeps what was chosen
tell();

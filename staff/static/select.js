// Choosing rows of a list: the box over them, and how many are chosen. Without this script each box works by itself,
// and the next page says the count. It asks for everything anew each time: another page may have taken this one's place.
const over = () => document.querySelector("#bulk-rows");
const boxes = () => [...document.querySelectorAll("input[name=id][form=bulk]")];

function tell() {
  const [all, count, those] = [over(), document.querySelector("#bulk-count"), boxes()];
  if (!all || !count) {
    return;
  }
  const many = those.filter((box) => box.checked).length;
  count.textContent = String(many);
  count.hidden = false;
  all.hidden = false;
  all.checked = many > 0 && many === those.length;
  all.indeterminate = many > 0 && many < those.length;
}

document.addEventListener("change", ({ target }) => {
  if (target === over()) {
    for (const box of boxes()) {
      box.checked = target.checked;
    }
  } else if (target.name !== "id") {
    return;
  }
  for (const chosen of document.querySelectorAll("input[name=which][value=chosen]")) {
    chosen.checked = true;
  }
  tell();
});

globalThis.addEventListener("pageshow", tell); // a browser that comes back keeps what was chosen
document.addEventListener("page", tell);
tell();

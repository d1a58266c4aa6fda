// The viewer's three buttons. Without this script each page can be opened by its link and enlarged by the browser.
const papers = document.querySelector(".viewer__doc");
let zoom = 1;
let turn = 0;

function show() {
  papers.dataset.zoom = String(zoom);
  papers.dataset.turn = String(turn);
  for (const leaf of papers.querySelectorAll(".leaf")) {
    const image = leaf.querySelector("img");
    const onItsSide = turn % 2 === 1;
    leaf.classList.toggle("is-turned", onItsSide);
    leaf.style.aspectRatio = onItsSide ? `${image.getAttribute("height")} / ${image.getAttribute("width")}` : "";
  }
}

const acts = {
  smaller: () => { zoom = Math.max(1, zoom - 1); },
  larger: () => { zoom = Math.min(3, zoom + 1); },
  turn: () => { turn = (turn + 1) % 4; },
};

document.addEventListener("whole", () => {
  zoom = 1;
  turn = 0;
  show();
});

for (const button of document.querySelectorAll("[data-do]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    acts[button.dataset.do]();
    show();
  });
}

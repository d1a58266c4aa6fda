// The viewer's three buttons. Without this script each page can be opened by its link and enlarged by the browser.
// Nothing is kept but on the viewer itself: ahead.js may put another page in this one's place.

function show(papers, zoom, turn) {
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
  smaller: (zoom, turn) => [Math.max(1, zoom - 1), turn],
  larger: (zoom, turn) => [Math.min(3, zoom + 1), turn],
  turn: (zoom, turn) => [zoom, (turn + 1) % 4],
};

function change(act) {
  const papers = document.querySelector(".viewer__doc");
  if (papers) {
    show(papers, ...act(Number(papers.dataset.zoom ?? 1), Number(papers.dataset.turn ?? 0)));
  }
}

document.addEventListener("whole", () => change(() => [1, 0]));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) {
    change(acts[button.dataset.do]);
  }
});

function offer() {
  const papers = document.querySelector(".viewer__doc");
  for (const button of document.querySelectorAll("[data-do]")) {
    button.hidden = papers === null;
  }
}

document.addEventListener("page", offer);
offer();

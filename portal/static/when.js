// Questions that only one answer leads to, on the page of that answer: they come when it is chosen. Without a script
// they stand there always, and their label says when.
const watched = [...document.querySelectorAll("[data-when]")];

const draw = () => {
  for (const block of watched) {
    const [question, among] = block.dataset.when.split("=");
    const chosen = [...document.querySelectorAll(`[name="${question}"]:checked`)].map((one) => one.value);
    block.hidden = !chosen.some((one) => among.split(" ").includes(one));
  }
};

document.addEventListener("change", draw);
addEventListener("pageshow", draw); // the back button brings choices back after the page is there
draw();

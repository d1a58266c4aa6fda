// Puts a text of the office above what is typed, without loading the page anew: chosen papers stay chosen. Where it
// cannot be had, the form goes the way it goes without this script.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-fill]");
  if (!button || button.dataset.fill === "by itself") {
    return;
  }
  event.preventDefault();
  const { form } = button;
  const wanted = new FormData();
  for (const name of ["csrf_token", "fixed"]) {
    wanted.set(name, form.elements[name].value);
  }
  if (!wanted.get("fixed")) {
    form.elements.fixed.focus();
    return;
  }
  try {
    const address = button.formAction.split("#")[0];
    const answer = await fetch(address, { method: "POST", body: wanted, headers: { Accept: "text/plain" } });
    if (!answer.ok || !answer.headers.get("Content-Type").startsWith("text/plain")) {
      throw new Error("no text");
    }
    const said = await answer.text();
    const field = form.elements.text;
    field.value = [said, field.value.trim()].filter(Boolean).join("\n\n");
    field.focus();
    const open = /〔[^〔〕]*〕/.exec(field.value); // what is left to be written by hand
    field.setSelectionRange(open ? open.index : said.length, open ? open.index + open[0].length : said.length);
  } catch {
    button.dataset.fill = "by itself";
    form.requestSubmit(button);
  }
});

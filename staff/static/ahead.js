// Straight to the next item: its pictures are fetched and drawn while the one in hand is being read, and the answer to a
// decision takes this page's place. Without this script, or when anything here fails, the browser goes there by itself.
//
// A form says so: data-ahead on it is the address that names the pictures.

const RESTS = 300; // ms: the page in hand comes first

const path = () => location.pathname;

let ready = new Map(); // pictures, drawn, by their address
let shown = path();

async function lookAhead(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) {
    return;
  }
  const { pictures } = await answer.json();
  const found = pictures.map((src) => ready.get(src) ?? Object.assign(new Image(), { src }));
  ready = new Map(pictures.map((src, at) => [src, found[at]]));
  await Promise.all(found.map((picture) => picture.decode()));
}

/** Where the next page wants a picture that is here already, it gets that one.
 *
 * A picture that changes its document is fetched anew, so that only the place for it crosses over. Returns what fills
 * the places.
 */
function give(page) {
  const fills = [];
  for (const wanted of page.querySelectorAll("img[src]")) {
    const picture = ready.get(wanted.getAttribute("src"));
    if (picture?.naturalWidth) { // one that could not be had is asked for again
      const place = page.createElement("span");
      for (const { name, value } of wanted.attributes) {
        if (name !== "src") {
          picture.setAttribute(name, value);
        }
      }
      wanted.replaceWith(place);
      fills.push(() => place.replaceWith(picture));
    }
  }
  ready = new Map();
  return () => fills.forEach((fill) => fill());
}

function addScripts(page) {
  const here = new Set([...document.scripts].map((one) => one.src));
  for (const wanted of page.querySelectorAll("head script[src]")) {
    const src = new URL(wanted.getAttribute("src"), location.href).href;
    if (!here.has(src)) {
      document.head.append(Object.assign(document.createElement("script"), { type: "module", src }));
    }
  }
}

function take(page, address) {
  const fill = give(page);
  const body = document.adoptNode(page.body);
  fill();
  document.title = page.title;
  document.body.replaceWith(body);
  history.pushState(null, "", address);
  shown = path();
  scrollTo(0, 0);
  document.querySelector("#main").focus({ preventScroll: true });
  addScripts(page);
  document.dispatchEvent(new Event("page"));
  begin();
}

/** Send it as the browser would have; the same form twice is one decision. */
function byItself(form, button) {
  if (button?.name) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value }));
  }
  form.submit();
}

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || !form.dataset.ahead) {
    return;
  }
  event.preventDefault();
  let page, address;
  try {
    const body = new URLSearchParams(new FormData(form, submitter));
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Ahead": "yes" } });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
    address = answer.headers.get("Content-Location") ?? (answer.redirected ? answer.url : location.href);
    if (!page.querySelector("#main")) {
      throw new Error("no page of ours");
    }
  } catch {
    byItself(form, submitter);
    return;
  }
  take(page, address);
});

// Back and forward lead to another page; a link to a place on this one does not.
globalThis.addEventListener("popstate", () => {
  if (path() !== shown) {
    location.reload();
  }
});

let resting = 0;

function begin() {
  clearTimeout(resting);
  const address = document.querySelector("form[data-ahead]")?.dataset.ahead;
  if (address) {
    resting = setTimeout(() => lookAhead(address).catch(() => {}), RESTS);
  }
}

begin();

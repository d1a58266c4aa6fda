// Compares a file with the hash that the page shows. The file stays where it is: nothing is sent. Without this, or where
// the browser makes no hashes (a page that did not come by https), the page says how to do it with other tools.

const place = document.querySelector("[data-check]");
if (place && globalThis.crypto?.subtle) {
  const say = (word) => {
    for (const line of place.querySelectorAll("[data-say]")) {
      line.hidden = line.dataset.say !== word;
    }
  };
  const found = place.querySelector("[data-found]");
  let latest = 0; // who chooses again while a large file is read is told of the last one only
  place.hidden = false;
  place.querySelector("input").addEventListener("change", async (event) => {
    const mine = ++latest;
    const [file] = event.target.files;
    say("");
    found.textContent = "";
    if (!file) {
      return;
    }
    try {
      const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
      const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      if (mine === latest) {
        found.textContent = `SHA-256 ${hex.match(/.{8}/g).join(" ")}`;
        say(hex === place.dataset.check ? "same" : "differs");
      }
    } catch {
      if (mine === latest) {
        say("unread");
      }
    }
  });
}

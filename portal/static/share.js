// Passes a slip or a certificate on with the phone's own menu, where it has one for files. The link beside the button
// saves the same file without this.

for (const place of document.querySelectorAll("[data-share]")) {
  const { share, name, kind } = place.dataset;
  const button = place.querySelector("button");
  const probe = new File([""], name, { type: kind });
  button.hidden = !navigator.canShare?.({ files: [probe] });
  button.addEventListener("click", async () => {
    try {
      const answer = await fetch(share);
      if (answer.ok && answer.headers.get("Content-Type") === kind) {
        await navigator.share({ files: [new File([await answer.blob()], name, { type: kind })] });
      } else {
        location.assign(share); // signed out meanwhile: the page says so
      }
    } catch (error) {
      if (error.name !== "AbortError") { // closed without sending is no fault
        location.assign(share);
      }
    }
  });
}

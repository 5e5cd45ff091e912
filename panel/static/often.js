"use strict";
// A part that also shows what leaves no event is asked for every few seconds; the answer is empty where nothing changed.
// So is one that shows work which is under way.

const OFTEN_MS = 2500;

function refreshOften() {
  for (const part of parts) {
    const isDue = part.element.dataset.often !== undefined || part.element.querySelector("[data-running]") !== null;
    if (isDue && !document.hidden) refresh(part);
  }
}

setInterval(refreshOften, OFTEN_MS);

// When such work was begun it was told that it is under way; how it ended takes the place of that.
document.addEventListener("htmx:afterSwap", (event) => {
  const ended = event.target.querySelector("[data-ended]");
  if (!ended || document.getElementById("told").textContent !== "It is under way.") return;
  tell(ended.dataset.failed === undefined ? "told" : "trouble", ended.dataset.ended);
});

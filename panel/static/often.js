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

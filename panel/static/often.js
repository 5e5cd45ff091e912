"use strict";
// A part that also shows what leaves no event is asked for every few seconds; the answer is empty where nothing changed.

const OFTEN_MS = 2500;

function refreshOften() {
  for (const part of parts) if (part.element.dataset.often !== undefined && !document.hidden) refresh(part);
}

setInterval(refreshOften, OFTEN_MS);

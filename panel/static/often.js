"use strict";
// A part that also shows what leaves no event is asked for every few seconds; the answer is empty where nothing changed.

const OFTEN_MS = 2500;
setInterval(() => { if (!document.hidden) refresh(); }, OFTEN_MS);

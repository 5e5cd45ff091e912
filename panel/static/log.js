"use strict";
// New events come in at the top as they happen, and old ones go at the bottom; not while paused.

const MOST_ROWS = 300;
const list = document.getElementById("live");
const rows = document.getElementById("log-rows");
const pauseButton = document.getElementById("log-pause");
const state = document.getElementById("log-state");
let newestRow = Number(list.dataset.seen);
let isPaused = false;
let isFetching = false;
let isBehind = false;

function trim() {
  while (rows.children.length > MOST_ROWS) rows.lastElementChild.remove();
  const nothing = document.getElementById("log-nothing");
  if (nothing && rows.children.length) nothing.remove();
}

async function fetchNew() {
  if (!list.dataset.new || isPaused || isFetching || document.hidden) {
    isBehind = true;
    return;
  }
  isFetching = true;
  isBehind = false;
  const address = new URL(list.dataset.new, location.href);
  address.searchParams.set("after", newestRow);
  await htmx.ajax("GET", address.pathname + address.search, { source: list, target: rows, swap: "afterbegin" });
  isFetching = false;
  trim();
  if (isBehind) fetchNew();
}

list.addEventListener("htmx:afterRequest", (event) => {
  newestRow = Number(event.detail.xhr.getResponseHeader("Skep-Seen")) || newestRow;
});
document.body.addEventListener("skep:changed", fetchNew);
document.addEventListener("visibilitychange", () => { if (isBehind) fetchNew(); });

if (pauseButton) {
  pauseButton.addEventListener("click", () => {
    isPaused = !isPaused;
    pauseButton.setAttribute("aria-pressed", String(isPaused));
    pauseButton.textContent = isPaused ? "Go on" : "Pause";
    state.textContent = isPaused ? "Paused: new events wait." : "New events appear at the top.";
    if (!isPaused) fetchNew();
  });
}

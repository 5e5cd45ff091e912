"use strict";
// Keeps the part of the page that changes as things are: asks for it when the pulse says that something changed,
// and gets an empty answer where this part has not. Not while a person selects in it, presses or answers.

const live = document.getElementById("live");
let tag = live ? `"${live.dataset.tag}"` : "";
let isPressed = false;
let isAsking = false;
let mustAsk = false;

function isBusy() {
  const selection = getSelection();
  const isSelecting = !selection.isCollapsed && live.contains(selection.anchorNode);
  return isAsking || isPressed || isSelecting || document.getElementById("ask").open;
}

function refresh() {
  if (!live || live.dataset.held !== undefined) return;
  mustAsk = isBusy() || document.hidden;
  if (!mustAsk) htmx.trigger(live, "skep:refresh");
}

if (live) {
  live.addEventListener("htmx:configRequest", (event) => {
    if (event.target === live && tag) event.detail.headers["If-None-Match"] = tag;
  });
  live.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target === live) isAsking = true;
  });
  live.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== live) return;
    isAsking = false;
    const { xhr } = event.detail;
    if (xhr.status === 200) tag = xhr.getResponseHeader("ETag") || "";
  });
}

document.addEventListener("pointerdown", () => { isPressed = true; });
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => { isPressed = false; });
}
document.addEventListener("visibilitychange", () => { if (mustAsk) refresh(); });
document.body.addEventListener("skep:changed", refresh);
setInterval(() => { if (mustAsk) refresh(); }, 500);

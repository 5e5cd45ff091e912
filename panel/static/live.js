"use strict";
// Keeps the parts of the page that change as things are: asks for each when the pulse says that something changed, and
// gets an empty answer where the part has not. Not while a person selects in it, presses or answers. What a person
// unfolded in it stays unfolded, what they scrolled stays where it was, and so does the focus.

let isPressed = false;
let answersAwaited = 0; // to presses of buttons, each of which must be there when its answer comes, to tell it
const parts = [...document.querySelectorAll("[data-tag]")].map((element) => keep(element));

function keep(element) {
  const part = { element, tag: `"${element.dataset.tag}"`, isAsking: false, isLeft: false, mustAsk: false };
  let seen = [];
  let place = null;
  let wasInSight = false;
  element.addEventListener("htmx:configRequest", (event) => {
    if (event.target === element && part.tag) event.detail.headers["If-None-Match"] = part.tag;
  });
  element.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target !== element) return;
    part.isAsking = true;
    part.isLeft = false;
  });
  element.addEventListener("htmx:beforeSwap", (event) => {
    seen = remembered(element);
    place = placeIn(element);
    wasInSight = isInSight(document.activeElement);
    if (event.target !== element) return;
    // Asked for before the person began: what they press must still be there when they let go.
    part.isLeft = isInUse(part);
    if (part.isLeft) event.detail.shouldSwap = false;
  });
  element.addEventListener("htmx:afterSwap", () => {
    recall(seen);
    goBackTo(place, element);
    requestAnimationFrame(() => keepInSight(wasInSight)); // once the browser has held what is in view in its place
  });
  element.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== element) return;
    part.isAsking = false;
    const { xhr } = event.detail;
    if (part.isLeft) part.mustAsk = true;
    else if (xhr.status === 200) part.tag = xhr.getResponseHeader("ETag") || "";
  });
  return part;
}

function remembered(element) {
  return [...element.querySelectorAll("details[id], .overflow-auto[id]")].map((each) => (
    { id: each.id, isOpen: each.open, left: each.scrollLeft, top: each.scrollTop }
  ));
}

function recall(seen) {
  for (const { id, isOpen, left, top } of seen) {
    const now = document.getElementById(id);
    if (!now) continue;
    if (now.tagName === "DETAILS") now.open = isOpen;
    else now.scrollTo(left, top);
  }
}

function isInUse(part) {
  const selection = getSelection();
  const isSelecting = !selection.isCollapsed && part.element.contains(selection.anchorNode);
  return isPressed || isSelecting || answersAwaited > 0 || document.getElementById("ask").open;
}

function refresh(part) {
  if (part.element.dataset.held !== undefined) return;
  part.mustAsk = part.isAsking || isInUse(part) || document.hidden;
  if (!part.mustAsk) htmx.trigger(part.element, "skep:refresh");
}

function refreshWaiting() {
  for (const part of parts) if (part.mustAsk) refresh(part);
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb !== "post") return;
  answersAwaited += 1;
  event.detail.xhr.addEventListener("loadend", () => {
    answersAwaited -= 1;
    refreshWaiting();
  });
});
document.addEventListener("pointerdown", () => { isPressed = true; });
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => { isPressed = false; });
}
// A button that is pressed with the space bar acts when that is let go.
document.addEventListener("keydown", (event) => { if (event.key === " ") isPressed = true; });
document.addEventListener("keyup", (event) => { if (event.key === " ") isPressed = false; });
window.addEventListener("blur", () => { isPressed = false; });
document.addEventListener("visibilitychange", refreshWaiting);
document.body.addEventListener("skep:changed", () => { parts.forEach(refresh); });
setInterval(refreshWaiting, 500);

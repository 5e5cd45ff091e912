"use strict";
// Keeps the keyboard's place while a part of the page is drawn anew. htmx gives the focus back to what has the same id;
// here it goes to what is the same without one. Where that is gone it goes to the row or card that follows, never to
// another's button: a key that was meant for what stood there a moment ago must press nothing else. What stands in a
// `data-place`, such as a switch that is another once it was pressed, leaves the focus to that place; what was the last
// of its part leaves it to the part's heading.

const CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex]";
const BOXES = "tr, li, article, section";

const markOf = (each) => each.id || [
  each.tagName, each.getAttribute("href"), each.getAttribute("aria-label"), each.textContent.slice(0, 200),
].join("\n");

function isInSight(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

// What has the focus in a part, or had it when it was pressed; then what follows it, then what stands before it. None
// where the focus is elsewhere.
function placeIn(part) {
  const active = document.activeElement;
  const at = active === document.body ? document.getElementById(pressedId) : active;
  if (!at || !part.contains(at)) return null;
  const all = [...part.querySelectorAll(CONTROLS)];
  const here = all.indexOf(at);
  const marks = [at, ...all.slice(here + 1), ...all.slice(0, Math.max(here, 0)).reverse()].map(markOf);
  const name = at.closest("[data-place]")?.dataset.place;
  return { id: at.id, marks, name, heading: headingOf(at, part)?.id };
}

function goBackTo(place, part) {
  if (!place || document.activeElement !== document.body) return;
  const now = new Map([...part.querySelectorAll(CONTROLS)].reverse().map((each) => [markOf(each), each]));
  const [same, ...near] = place.marks.map((mark) => now.get(mark));
  if (same) same.focus({ preventScroll: true });
  if (document.activeElement !== document.body) return;
  const next = near.find((each) => each);
  const box = next && next.closest(BOXES);
  const stays = place.id && document.getElementById(place.id); // such as a heading, which lost its tabindex
  const stood = place.name && part.querySelector(`[data-place="${place.name}"]`);
  const heading = place.heading && document.getElementById(place.heading);
  const isOfHeading = !heading || (box && (box.querySelector("h2[id]") || headingOf(box, part)) === heading);
  const follows = isOfHeading && box && part.contains(box) && box;
  const goal = (stays && !stays.matches(CONTROLS) && stays) || stood || follows || heading || part;
  if (!goal.hasAttribute("tabindex")) goal.tabIndex = -1;
  goal.focus({ preventScroll: true });
  if (!isInSight(goal)) goal.scrollIntoView({ block: "nearest" });
}

function headingOf(element, part) {
  const isBefore = (each) => element.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_PRECEDING;
  return [...part.querySelectorAll("h2[id]")].filter(isBefore).at(-1);
}

// What has the focus stays in sight, though a part above it grows.
function keepInSight(wasInSight) {
  const at = document.activeElement;
  if (wasInSight && at !== document.body && !isInSight(at)) at.scrollIntoView({ block: "nearest" });
}

// What is switched off while its request is under way loses the focus; it gets it back where nobody has gone on since.
function switchOn(button) {
  button.disabled = false;
  if (document.activeElement === document.body) button.focus();
}

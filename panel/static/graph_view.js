"use strict";
// How the picture of a graph is looked at: larger or smaller, moved by the arrow keys, kept when it is drawn anew.

const SMALLEST = 0.02;
const LARGEST = 2;
const STEP = 1.3;
// Below this, letters cannot be read: the boxes show their state by a stronger colour instead.
const FAR = 0.45;
const AT_MOST_OF_WINDOW = 0.72;
const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const ZOOMS = { "+": "graph-larger", "=": "graph-larger", "-": "graph-smaller", "0": "graph-full", f: "graph-fit", l: "graph-way" };

const view = { scale: 1, isFitted: false, left: 0, top: 0, focused: null };
const part = (id) => document.getElementById(id);
const nodes = () => [...document.querySelectorAll("#graph a")];

function fittingScale(picture, frame) {
  const box = picture.viewBox.baseVal;
  const room = frame.clientWidth - 16;
  return Math.max(SMALLEST, Math.min(1, room / box.width, (innerHeight * AT_MOST_OF_WINDOW) / box.height));
}

function draw() {
  const picture = part("graph");
  const frame = part("graph-frame");
  if (!picture || !frame) return;
  if (view.isFitted) view.scale = fittingScale(picture, frame);
  const box = picture.viewBox.baseVal;
  picture.setAttribute("width", Math.round(box.width * view.scale));
  picture.setAttribute("height", Math.round(box.height * view.scale));
  picture.classList.toggle("far", view.scale < FAR);
  part("graph-fit").setAttribute("aria-pressed", String(view.isFitted));
  part("graph-size").textContent = `${Math.round(view.scale * 100)} %`;
}

// What stands in the middle of the frame stays there.
function zoomTo(scale) {
  const frame = part("graph-frame");
  const wanted = Math.max(SMALLEST, Math.min(LARGEST, scale));
  const grown = wanted / view.scale;
  const middle = [frame.scrollLeft + frame.clientWidth / 2, frame.scrollTop + frame.clientHeight / 2];
  Object.assign(view, { scale: wanted, isFitted: false });
  draw();
  frame.scrollTo(middle[0] * grown - frame.clientWidth / 2, middle[1] * grown - frame.clientHeight / 2);
}

function show(node) {
  const frame = part("graph-frame");
  if (!node || !frame) return;
  const box = node.getBoundingClientRect();
  const around = frame.getBoundingClientRect();
  frame.scrollBy(box.left - around.left - (around.width - box.width) / 2, box.top - around.top - (around.height - box.height) / 2);
}

const BUTTONS = {
  "graph-larger": () => zoomTo(view.scale * STEP),
  "graph-smaller": () => zoomTo(view.scale / STEP),
  "graph-full": () => zoomTo(1),
  "graph-fit": () => { if (view.isFitted) zoomTo(1); else { view.isFitted = true; draw(); } },
  "graph-way": () => {
    if (view.scale < FAR) zoomTo(1);
    const first = document.querySelector("#graph .node.critical")?.closest("a");
    if (first) { focusOn(first); show(first); }
  },
};

// One task of the picture is reached with the tabulator, the others from it with the arrow keys.
function focusOn(node) {
  for (const each of nodes()) each.setAttribute("tabindex", each === node ? "0" : "-1");
  node.focus({ preventScroll: true });
}

function settle() {
  const all = nodes();
  const first = all.find((each) => each.dataset.task === view.focused) || firstToSee() || all[0];
  for (const each of all) each.setAttribute("tabindex", each === first ? "0" : "-1");
}

function firstToSee() {
  const names = [".here", ".in_progress", ".pending_review", ".critical"];
  const found = names.map((name) => document.querySelector(`#graph .node${name}`)).find(Boolean);
  return found ? found.closest("a") : null;
}

// The nearest in that direction; what lies beside the line counts twice.
function nearest(from, [right, down]) {
  const here = from.getBoundingClientRect();
  let best = null;
  let least = Infinity;
  for (const each of nodes()) {
    const box = each.getBoundingClientRect();
    const ahead = (box.left - here.left) * right + (box.top - here.top) * down;
    const beside = Math.abs((box.left - here.left) * down) + Math.abs((box.top - here.top) * right);
    if (ahead > 1 && ahead + 2 * beside < least) [best, least] = [each, ahead + 2 * beside];
  }
  return best;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !event.target.closest("#graph-frame")) return;
  const from = event.target.closest("#graph a");
  const to = from && ARROWS[event.key] && nearest(from, ARROWS[event.key]);
  if (to) { focusOn(to); show(to); event.preventDefault(); }
  if (ZOOMS[event.key]) { BUTTONS[ZOOMS[event.key]](); event.preventDefault(); }
});
document.addEventListener("click", (event) => BUTTONS[event.target.id]?.());
addEventListener("resize", draw);

document.addEventListener("htmx:beforeSwap", (event) => {
  const frame = part("graph-frame");
  if (!frame || !event.target.contains(frame)) return;
  const on = document.activeElement?.closest?.("#graph a");
  Object.assign(view, { left: frame.scrollLeft, top: frame.scrollTop, focused: on ? on.dataset.task : null });
});
// Not sooner: until then htmx gives the picture the attributes of the one before.
document.addEventListener("htmx:afterSettle", (event) => {
  const frame = part("graph-frame");
  if (!frame || !event.target.contains(frame)) return;
  draw();
  settle();
  if (view.left || view.top || view.focused) frame.scrollTo(view.left, view.top);
  else show(firstToSee());
  if (view.focused) document.querySelector(`#graph a[data-task="${CSS.escape(view.focused)}"]`)?.focus({ preventScroll: true });
});

draw();
settle();
show(firstToSee());

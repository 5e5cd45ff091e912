"use strict";
// The picture keeps its place and size when it is drawn anew, and comes up with the task it is about in sight.

const graphLive = document.getElementById("live");
const of = document.getElementById("of");
let kept = null;
let isFitted = false;

function fit() {
  const picture = document.getElementById("graph");
  const button = document.getElementById("graph-fit");
  if (!picture || !button) return;
  picture.classList.toggle("fitted", isFitted);
  button.setAttribute("aria-pressed", String(isFitted));
}

graphLive.addEventListener("click", (event) => {
  if (event.target.id !== "graph-fit") return;
  isFitted = !isFitted;
  fit();
});
graphLive.addEventListener("htmx:beforeSwap", () => {
  const frame = document.getElementById("graph-frame");
  const list = document.getElementById("as-list");
  const focused = graphLive.contains(document.activeElement) ? document.activeElement.dataset.task : null;
  kept = { left: frame ? frame.scrollLeft : 0, top: frame ? frame.scrollTop : 0, isOpen: list ? list.open : false, focused };
});
graphLive.addEventListener("htmx:afterSwap", () => {
  fit();
  const frame = document.getElementById("graph-frame");
  const list = document.getElementById("as-list");
  if (frame && kept) frame.scrollTo(kept.left, kept.top);
  if (list && kept) list.open = kept.isOpen;
  const again = kept && kept.focused && graphLive.querySelector(`a[data-task="${CSS.escape(kept.focused)}"]`);
  if (again) again.focus({ preventScroll: true });
});
document.getElementById("named").addEventListener("input", () => { of.value ||= "task"; });
// Forms send nothing by themselves here: the panel's policy forbids it.
document.getElementById("narrow-to").addEventListener("submit", (event) => {
  event.preventDefault();
  const named = document.getElementById("named").value.trim();
  location.assign(named && of.value ? `/graph?${new URLSearchParams({ [of.value]: named })}` : "/graph");
});

const here = document.querySelector(".node.here");
const shown = document.getElementById("graph-frame");
if (here && shown) {
  const box = here.getBoundingClientRect();
  const frame = shown.getBoundingClientRect();
  shown.scrollTo(box.left - frame.left - (frame.width - box.width) / 2, box.top - frame.top - (frame.height - box.height) / 2);
}

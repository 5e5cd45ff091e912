"use strict";
// Keeps the page as things are: asks once a second, and gets an empty answer while nothing has changed.

const EVERY_MS = 1000;
const live = document.getElementById("live");
const freshness = document.getElementById("freshness");
let tag = `"${live.dataset.tag}"`;
let isAsking = false;
let askedAt = 0;
// Longer than htmx waits for an answer: a question that got none and no error either.
const LOST_MS = 12000;
let isPressed = false;

// A code in the address is only good on the login page; it is not left standing here.
if (location.hash.startsWith("#code=")) history.replaceState(null, "", location.pathname + location.search);

function isBusy() {
  const selection = getSelection();
  const isSelecting = !selection.isCollapsed && live.contains(selection.anchorNode);
  return isAsking || isPressed || isSelecting || document.getElementById("ask").open;
}

function tellFreshness(isFine) {
  document.body.classList.toggle("stale", !isFine);
  if (isFine) freshness.textContent = "live";
  else freshness.textContent = `the panel does not answer; this is how things were at ${lastSeen}`;
  if (isFine) lastSeen = new Date().toLocaleTimeString();
}

function refresh() {
  if (isAsking && Date.now() - askedAt > LOST_MS) {
    isAsking = false;
    tellFreshness(false);
  }
  if (document.hidden) freshness.textContent = "paused while hidden";
  else if (!isBusy()) htmx.trigger(live, "skep:refresh");
}

live.addEventListener("htmx:configRequest", (event) => {
  if (event.target === live && tag) event.detail.headers["If-None-Match"] = tag;
});
live.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target !== live) return;
  isAsking = true;
  askedAt = Date.now();
});
live.addEventListener("htmx:afterRequest", (event) => {
  if (event.target !== live) return;
  isAsking = false;
  const { xhr } = event.detail;
  if (xhr.status === 200) tag = xhr.getResponseHeader("ETag") || "";
  tellFreshness(xhr.status === 200 || xhr.status === 304);
});

let lastSeen = new Date().toLocaleTimeString();

function ageOf(moment) {
  const seconds = Math.max(0, (Date.now() - moment) / 1000);
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

function tellAges() {
  for (const time of live.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    time.textContent = ageOf(moment);
    time.title = moment.toLocaleString();
  }
}

// The sentence changes with every task; only a change of its kind is worth an interruption.
let told = "";
function tellHealth() {
  const health = document.getElementById("health");
  const kind = `${health.dataset.kind} ${health.dataset.questions}`;
  const sentence = health.querySelector(".sentence").textContent;
  if (told && told !== kind) document.getElementById("health-news").textContent = sentence;
  told = kind;
  const questions = Number(health.dataset.questions);
  document.title = questions ? `(${questions}) Skep` : "Skep";
}

live.addEventListener("htmx:afterSwap", () => {
  tellAges();
  tellHealth();
});
document.addEventListener("pointerdown", () => { isPressed = true; });
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => { isPressed = false; });
}
document.addEventListener("visibilitychange", refresh);
document.body.addEventListener("skep:changed", refresh);
tellAges();
tellHealth();
setInterval(refresh, EVERY_MS);
setInterval(tellAges, EVERY_MS);

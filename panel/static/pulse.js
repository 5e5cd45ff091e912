"use strict";
// Whether anything changed, how things stand, what waits for a person. One tab of the browser listens to the panel's
// stream and tells the others; besides, each tab that is seen asks now and then, and often where nothing is heard.

const ASK_MS = 1000; // with no stream
const ASK_BESIDE_STREAM_MS = 3000; // what leaves no event: a time that comes, a worker that dies
const SILENT_MS = 20000; // the stream says every 15 s that it is alive
const LOST_MS = 12000;

// A code in the address is only good on the login page; it is not left standing here.
if (location.hash.startsWith("#code=")) history.replaceState(null, "", location.pathname + location.search);

const freshness = document.getElementById("freshness");
const channel = new BroadcastChannel("skep-pulse");
let pulseTag = "";
let lastSeen = new Date().toLocaleTimeString(undefined, CLOCK);
let lastAsked = 0;
let heardAt = 0;
let toldHealth = "";
const baseTitle = document.title;

function tellFreshness(isFine) {
  document.body.classList.toggle("stale", !isFine);
  if (isFine) lastSeen = new Date().toLocaleTimeString(undefined, CLOCK);
  freshness.textContent = isFine ? "live" : `the panel does not answer; this is how things were at ${lastSeen}`;
}

// What the colour of the dot says, in words.
const WORDS = {
  working: "working", waiting: "waiting", done: "all is done", empty: "nothing to do", asks: "needs you", held: "on hold",
  paused: "paused", stopped: "stopped", killed: "kill switch", tripped: "circuit breaker",
};

// The sentence changes with every task; only a change of its kind is worth an interruption.
function tellStanding(pulse) {
  const kind = `${pulse.health.kind} ${pulse.questions}`;
  if (toldHealth && toldHealth !== kind) document.getElementById("health-news").textContent = pulse.health.sentence;
  toldHealth = kind;
  const dot = document.getElementById("dot");
  dot.dataset.kind = pulse.health.kind;
  dot.title = pulse.health.sentence;
  const word = WORDS[pulse.health.kind];
  document.getElementById("standing-word").textContent = word ? ` · ${word}` : "";
  const badge = document.getElementById("badge");
  if (badge) {
    badge.hidden = !pulse.questions;
    badge.textContent = pulse.questions || "";
    badge.setAttribute("aria-label", `${pulse.questions} waiting for you`);
  }
  document.title = pulse.questions ? `(${pulse.questions}) ${baseTitle}` : baseTitle;
}

function hear(pulse) {
  tellFreshness(true);
  const isNew = pulse.tag !== pulseTag; // the first too: something may have changed since the page was made
  pulseTag = pulse.tag;
  tellStanding(pulse);
  document.body.dispatchEvent(new CustomEvent("skep:pulse", { detail: pulse }));
  if (isNew) document.body.dispatchEvent(new Event("skep:changed"));
}

async function ask() {
  lastAsked = Date.now();
  try {
    const headers = pulseTag ? { "If-None-Match": `"${pulseTag}"` } : {};
    const answer = await fetch("/pulse", { headers, cache: "no-store", signal: AbortSignal.timeout(LOST_MS) });
    if (answer.status === 401) location.reload();
    else if (answer.status === 200) hear(await answer.json());
    else tellFreshness(answer.status === 304);
  } catch {
    tellFreshness(false);
  }
}

function listen() {
  const source = new EventSource("/pulse/stream");
  const pass = (heard) => {
    heardAt = Date.now();
    channel.postMessage(heard);
    if (heard && !document.hidden) hear(heard);
  };
  source.addEventListener("pulse", (event) => pass(JSON.parse(event.data)));
  source.addEventListener("beat", () => pass(null));
  source.addEventListener("error", () => {
    heardAt = 0;
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
}

function turn() {
  if (document.hidden) {
    freshness.textContent = "paused while hidden";
    return;
  }
  const every = Date.now() - heardAt < SILENT_MS ? ASK_BESIDE_STREAM_MS : ASK_MS;
  if (Date.now() - lastAsked >= every) ask();
}

document.body.addEventListener("skep:pressed", () => {
  document.body.dispatchEvent(new Event("skep:changed"));
  ask();
});

function begin() {
  channel.addEventListener("message", (event) => {
    heardAt = Date.now();
    if (event.data && !document.hidden) hear(event.data);
  });
  document.addEventListener("visibilitychange", () => { lastAsked = 0; turn(); });
  // Held for as long as the tab lives; the next tab gets it after that.
  if (navigator.locks) navigator.locks.request("skep-pulse", () => { listen(); return new Promise(() => {}); });
  ask();
  setInterval(turn, 250);
}

// Not before every script of the page listens and htmx knows its parts: the first change told would be lost on them.
document.addEventListener("DOMContentLoaded", begin);

const menuButton = document.getElementById("menu-button");
function showMenu(isOpen) {
  document.body.classList.toggle("menu-open", isOpen);
  menuButton.setAttribute("aria-expanded", String(isOpen));
}

menuButton.addEventListener("click", () => { showMenu(!document.body.classList.contains("menu-open")); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !document.body.classList.contains("menu-open")) return;
  showMenu(false);
  menuButton.focus();
});

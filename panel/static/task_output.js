"use strict";
// The output of a task: its last lines first, earlier ones on demand, and what comes as it comes. Text only ever
// becomes a text node. What is kept here is bounded, so that an endless output costs the browser no more than its end.

import { folded } from "./output_folding.js";

const output = document.getElementById("output");
const found = (name) => document.getElementById(`output-${name}`);
const text = found("text");
const MOST_CHARS = 1500000; // kept in the page; the rest is in the download
const LIVE_MS = 400;
const PIECE = 65536;

let lease = null; // the attempt that is shown; none: the newest
let shown = ""; // what has been read, without a break
let start = 0; // bytes
let next = null; // bytes; none: nothing has been read
let isLive = false;
let bytes = 0; // of the output, as far as it is known
let isReading = false;
let mustDraw = false;
let asked = 0; // rises when another attempt is chosen: late answers are dropped
let isElsewhere = false; // whether a part is shown that was found, and not the end: how the output stands is still told

async function read(parameters) {
  const query = new URLSearchParams(parameters);
  if (lease !== null) query.set("lease", lease);
  const answer = await fetch(`${output.dataset.path}?${query}`, { cache: "no-store" });
  return { status: answer.status, piece: await answer.json() };
}

async function goOn() {
  if (isReading) return;
  isReading = true;
  const mine = asked;
  try {
    let more = true;
    while (more && mine === asked) more = await readOn(mine);
  } catch {
    // the pulse tells that the panel does not answer
  } finally {
    if (mine === asked) isReading = false; // else somebody reads for the attempt chosen since
  }
}

// Reads one piece; whether there may be another at once.
async function readOn(mine) {
  const { status, piece } = await read(next === null ? {} : { offset: isElsewhere ? bytes : next });
  if (mine !== asked) return false;
  if (status !== 200) {
    tellState(piece.detail);
    if (status === 404) leave();
    return false;
  }
  if (piece.lease === null) {
    tellState(output.dataset.nothing ?? "There is no output yet.");
    return false;
  }
  if (next === null) {
    lease = piece.lease;
    start = piece.offset;
  }
  isLive = piece.is_live;
  if (isElsewhere) {
    offer(piece.attempts, piece.lease);
    tellPiece(piece);
    return false;
  }
  if (next !== null && piece.next < next) return false; // what was read is not shown again
  const isNew = next !== piece.next;
  next = piece.next;
  offer(piece.attempts, piece.lease);
  if (piece.text) append(piece.text);
  tellPiece(piece);
  return isNew && next < piece.bytes;
}

// An attempt that died leaves no output: the newest one takes its place.
function leave() {
  isLive = false;
  if (lease !== null) choose(null);
}

function tellPiece(piece) {
  bytes = piece.bytes;
  const size = `${piece.bytes.toLocaleString()} bytes`;
  const isGrowth = isLive && /^Being/.test(found("state").textContent);
  found("state").setAttribute("aria-live", isGrowth ? "off" : "polite"); // each 400 ms it would be read out
  const cut = piece.cut ? `, ${piece.cut.toLocaleString()} more were not kept` : "";
  tellState(piece.bytes === 0 && !isLive ? "It printed nothing." : isLive ? `Being written: ${size} so far.` : `${size}${cut}.`);
  found("bar").hidden = found("download").hidden = false;
  found("earlier").hidden = start === 0;
  text.hidden = shown === "";
  if (toldOf === null) tellCount();
  tellSearched();
}

function tellState(told) {
  if (found("state").textContent !== told) found("state").textContent = told;
}

// Without their codes, colours leave no trace; with them, each code is spelled out.
function displayed(plain) {
  return found("raw").checked ? plain : plain.replace(/\u241b(?:\[[0-?]*[ -/]*[@-~]|\][^\u2407\u241b\n]*(?:\u2407|\u241b\\)|[@-Z\\^_])/g, "").replace(/\u240d(?=\n)/g, "");
}

function isSelecting() {
  const selection = getSelection();
  return !selection.isCollapsed && text.contains(selection.anchorNode);
}

// Drawing anew would take a selection away, so it waits for its end.
function draw() {
  mustDraw = isSelecting();
  if (mustDraw) return;
  text.textContent = displayed(shown);
  if (place !== null) place += moved;
  moved = 0;
}

function append(piece) {
  const isAtEnd = found("follow").checked;
  shown += piece;
  if (shown.length > MOST_CHARS) {
    const cut = shown.indexOf("\n", shown.length - MOST_CHARS) + 1 || shown.length - MOST_CHARS;
    start = Math.min(next, start + new TextEncoder().encode(shown.slice(0, cut)).length);
    moved -= displayed(shown.slice(0, cut)).length;
    shown = shown.slice(cut);
    draw();
  } else if (mustDraw || /[\u241b\u240d]/.test(piece) || !text.firstChild) {
    draw(); // a code may have been cut in two
  } else {
    text.append(piece);
  }
  text.hidden = false;
  if (isAtEnd && !isSelecting()) text.scrollTop = text.scrollHeight;
  mark();
}

async function showEarlier() {
  const [mine, end, wasFocused] = [asked, start, document.activeElement === found("earlier")];
  const from = Math.max(0, end - PIECE);
  const { status, piece } = await read({ offset: from, limit: end - from });
  if (status !== 200 || mine !== asked || start !== end) return; // pressed twice, or another part is shown
  const height = text.scrollHeight;
  found("follow").checked = false;
  shown = piece.text + shown;
  moved += displayed(piece.text).length;
  own += piece.text.length;
  start = piece.offset;
  draw();
  text.scrollTop += text.scrollHeight - height;
  found("earlier").hidden = start === 0;
  if (wasFocused && start === 0) text.focus({ preventScroll: true }); // a button that goes would leave it nowhere
  mark();
  if (!isLooking()) tellCount();
}

// -- which attempt ----------------------------------------------------------------------------------------------

function offer(attempts, chosen) {
  const select = found("of");
  const signature = JSON.stringify([attempts, chosen]);
  if (select.dataset.offered === signature || document.activeElement === select) return;
  select.dataset.offered = signature;
  select.replaceChildren(...attempts.map((each) => {
    const became = each.became ? each.became.replaceAll("_", " ") : "under way";
    const option = new Option(`${each.attempt}: ${became}`, each.lease);
    option.selected = each.lease === chosen;
    return option;
  }));
  found("download").href = `${output.dataset.download}?lease=${chosen}`;
}

function choose(chosen) {
  asked += 1;
  if (chosen !== lease) looked = null;
  lease = chosen;
  shown = "";
  start = 0;
  next = null;
  isLive = isElsewhere = false;
  own = Infinity;
  sought += 1;
  text.replaceChildren();
  moved = 0;
  place = toldOf = null;
  mark();
  text.hidden = true;
  found("end").hidden = true;
  found("of").dataset.offered = "";
  isReading = false;
  goOn();
}

// -- finding ----------------------------------------------------------------------------------------------------

const MOST_FOUND = 5000;
let ranges = [];
let places = []; // where each of them begins, in characters of what is drawn
const BEHIND = 800; // bytes behind a piece that a text found in it may reach into
let own = Infinity; // characters of `shown` that a hit begins in; what stands behind them is told with the next part
let ownEnd = 0; // the same as a byte, where a part is shown that was found
let sought = 0; // rises with every search: late answers are dropped
let underWay = null; // the search of what is not loaded: its number and which way it goes
let looked = null; // the words for which everything was looked through, and to which byte
let isMore = false; // whether more was found than is kept
let at = -1;
let place = null; // where the hit begins that was gone to: what comes and goes around it leaves it the same
let moved = 0; // by how many characters it will be, once what came or went in front of it is drawn
let toldOf = null; // how many were found when that was told; none: it is to be told

// Marks what is found in what is shown, also as more comes. It tells nobody: that is for who searches.
function mark() {
  const wanted = folded(found("find").value);
  [ranges, places] = [[], []];
  if (wanted) {
    const room = own < shown.length ? displayed(shown.slice(0, own)).length : Infinity;
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    let before = 0;
    while (ranges.length <= MOST_FOUND && walker.nextNode()) {
      collect(walker.currentNode, wanted, room - before, before);
      before += walker.currentNode.length;
    }
  }
  isMore = ranges.length > MOST_FOUND;
  ranges.length = places.length = Math.min(ranges.length, MOST_FOUND);
  at = place === null ? -1 : places.indexOf(place);
  if (window.CSS && CSS.highlights) CSS.highlights.set("found", new Highlight(...ranges));
  light();
  found("since").textContent = toldOf === null || toldOf === howMany() ? "" : `${howMany()} by now`;
  tellSearched();
}

function light() {
  if (!window.CSS || !CSS.highlights) return;
  if (at < 0) CSS.highlights.delete("here");
  else CSS.highlights.set("here", new Highlight(ranges[at]));
}

// What was found is told once, and stays told until somebody searches anew: what comes since is told beside it, quietly.
function tellFound(told) {
  toldOf = howMany();
  found("since").textContent = "";
  found("found").textContent = told;
}

function tellCount() {
  if (!found("find").value) tellFound("");
  else if (at >= 0) tellFound(`${at + 1} of ${howMany()}`);
  else tellFound(`${howMany()} found${ranges.length === 0 && looked !== null && lookedTo() >= bytes ? " in all of the output" : ""}`);
}

// The byte up to which everything was looked through for what is sought; 0 where only what is shown was.
function lookedTo() {
  if (looked === null || looked.words !== sense()) return 0;
  return !isElsewhere && looked.to >= start ? Math.max(looked.to, next) : looked.to;
}

// What is looked for: letters alike, among the codes or not.
function sense() {
  return `${found("raw").checked} ${folded(found("find").value)}`;
}

// What is not loaded is not looked through, and whoever looks for something is told so.
function tellSearched() {
  const to = lookedTo();
  const isPart = next !== null && found("find").value !== "" && (start > 0 || next < bytes) && to < bytes;
  found("searched").hidden = !isPart;
  if (!isPart) return;
  const part = to > 0 ? `the first ${to.toLocaleString()}` : (next - start).toLocaleString();
  const told = `Only ${to > 0 ? "a part" : "what is shown here"} was looked through: ${part} of ${bytes.toLocaleString()} bytes. Next and Previous go on through the others.`;
  if (found("searched-told").textContent !== told) found("searched-told").textContent = told;
  found("whole").href = found("download").href;
}

function howMany() {
  return isMore ? `more than ${MOST_FOUND.toLocaleString()}` : ranges.length.toLocaleString();
}

function collect(node, wanted, room, before) {
  const searched = folded(node.data);
  for (let from = searched.indexOf(wanted); from >= 0 && from < room && ranges.length <= MOST_FOUND; from = searched.indexOf(wanted, from + wanted.length)) {
    const range = new Range();
    range.setStart(node, from);
    range.setEnd(node, from + wanted.length);
    ranges.push(range);
    places.push(before + from);
  }
}

function step(by) {
  if (isLooking() && underWay.by === by) return; // begun anew it would never come to the end of a long output
  const isLast = at >= 0 && (by > 0 ? at === ranges.length - 1 : at === 0);
  if ((ranges.length === 0 || isLast) && found("find").value && (start > 0 || next < bytes)) findBeyond(by);
  else if (ranges.length > 0) go((at < 0 && by < 0 ? 0 : at) + by);
}

function go(to) {
  sought += 1; // what was being looked for further away is not wanted any more
  at = (to + ranges.length) % ranges.length;
  place = places[at];
  found("follow").checked = false;
  const line = ranges[at].getBoundingClientRect();
  const box = text.getBoundingClientRect();
  text.scrollTop += line.top - box.top - box.height / 2;
  text.scrollLeft += line.left - box.left - box.width / 2;
  light();
  tellCount();
}

function isLooking() {
  return underWay !== null && underWay.number === sought;
}

// What is not loaded is looked through by the panel, to the end and from the other end up to what is shown here.
async function findBeyond(by) {
  const mine = ++sought;
  underWay = { number: mine, by };
  const way = by > 0 ? "next" : "previous";
  const end = isElsewhere ? ownEnd : next;
  const [here, there, to] = by > 0 ? [end, start, bytes] : [start, end, bytes];
  tellFound("Looking through the rest of the output.");
  try {
    const part = await partOf(way, here, mine) ?? await partOf(way, by > 0 ? 0 : to, mine, there);
    if (mine !== sought) return;
    if (part === null) tellNoOther(by, to);
    else await showFound(part, by, mine);
  } catch (trouble) {
    if (mine === sought) tellFound(trouble instanceof Refused ? trouble.message : "The panel does not answer.");
  } finally {
    if (underWay?.number === mine) underWay = null;
  }
}

class Refused extends Error {}

// Where the piece begins and ends that holds the text; null where none does up to the byte `until`.
async function partOf(way, from, mine, until = null) {
  const isPast = (byte) => until !== null && (way === "next" ? byte >= until : byte + PIECE <= until);
  let offset = from;
  while (offset !== null && mine === sought && !isPast(way === "next" ? offset : offset - PIECE)) {
    const query = new URLSearchParams({ find: found("find").value, way, offset, codes: found("raw").checked ? "shown" : "hidden", lease });
    const answer = await fetch(`${output.dataset.finds}?${query}`, { cache: "no-store" });
    const { title, at: hit, next: further } = await answer.json();
    if (answer.status !== 200) throw new Refused(title);
    if (hit !== null) return isPast(hit) ? null : [hit, way === "next" || hit > 0 ? hit + PIECE : from % PIECE || PIECE];
    offset = further;
  }
  return null;
}

function tellNoOther(by, to) {
  looked = { words: sense(), to };
  if (ranges.length > 0) go(by > 0 ? 0 : ranges.length - 1);
  else tellCount();
  tellSearched();
}

async function showFound([from, end], by, mine) {
  const [whole, part] = await Promise.all([
    read({ offset: from, limit: end - from + BEHIND }), read({ offset: from, limit: end - from }),
  ]);
  if (mine !== sought) return;
  const refused = [whole, part].find((each) => each.status !== 200);
  if (refused) throw new Refused(refused.piece.title);
  const { piece } = whole;
  asked += 1; // what is being read on is of the part that goes
  isReading = false;
  isElsewhere = true;
  found("follow").checked = false;
  found("end").hidden = false;
  isLive = piece.is_live;
  [shown, start, next] = [piece.text, piece.offset, piece.next];
  [own, ownEnd] = [part.piece.text.length, Math.min(end, next)];
  text.textContent = displayed(shown);
  [mustDraw, moved, place] = [false, 0, null];
  offer(piece.attempts, piece.lease);
  mark();
  if (ranges.length > 0) go(by > 0 ? 0 : ranges.length - 1);
  else tellCount();
  tellPiece(piece);
}

// The place of a hit is another one, or in another text: what was looked for further away is, too.
function searchAnew(kept = -1) {
  sought += 1;
  place = null;
  mark();
  place = places[kept] ?? null;
  at = place === null ? -1 : kept;
  light();
  tellCount();
}

found("find").addEventListener("input", () => { text.normalize(); searchAnew(); });
found("end").addEventListener("click", () => { choose(lease); found("follow").checked = true; found("find").focus(); });
found("find").addEventListener("keydown", (event) => {
  if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
});
found("before").addEventListener("click", () => step(-1));
found("after").addEventListener("click", () => step(1));

found("of").addEventListener("change", () => choose(Number(found("of").value)));
found("earlier").addEventListener("click", showEarlier);
found("wrap").addEventListener("change", () => text.classList.toggle("wraps", found("wrap").checked));
found("raw").addEventListener("change", () => {
  const kept = at;
  draw();
  searchAnew(kept);
});
found("follow").addEventListener("change", () => {
  if (!found("follow").checked) return;
  if (isElsewhere) choose(lease);
  else text.scrollTop = text.scrollHeight;
});
text.addEventListener("wheel", (event) => { if (event.deltaY < 0) found("follow").checked = false; }, { passive: true });

// A new attempt that begins is gone over to by who follows.
document.getElementById("live").addEventListener("htmx:afterSwap", async () => {
  if (isLive) return;
  if (next === null || !found("follow").checked) {
    goOn();
    return;
  }
  const wanted = lease;
  lease = null;
  const { status, piece } = await read({ offset: 0, limit: 4 }).catch(() => ({ status: 0 }));
  lease = wanted;
  if (status === 200 && piece.lease !== wanted) choose(piece.lease);
  else goOn();
});
setInterval(() => {
  if (mustDraw) {
    draw();
    mark();
  }
  if (isLive && !document.hidden) goOn();
}, LIVE_MS);
goOn();

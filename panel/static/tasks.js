"use strict";
// The list of tasks: what is looked for goes into the address, and what is selected is steered together.

const find = document.getElementById("find");
find.addEventListener("submit", (event) => {
  event.preventDefault();
  go();
});
for (const chosen of find.querySelectorAll("select")) chosen.addEventListener("change", go);

function go() {
  const wanted = new URLSearchParams();
  for (const [name, value] of new FormData(find)) if (value.trim()) wanted.set(name, value.trim());
  if (wanted.has("q") && !["newest", "oldest"].includes(wanted.get("order"))) wanted.delete("order");
  location.assign(find.dataset.path + (wanted.size ? `?${wanted}` : ""));
}

// While the search reads the tasks for the first time, the page asks again until it has.
setInterval(() => {
  if (document.getElementById("still-reading") && !document.hidden) {
    document.body.dispatchEvent(new Event("skep:changed"));
  }
}, 400);

// -- what is selected ---------------------------------------------------------------------------------------

const list = document.getElementById("live");
const bar = document.getElementById("bulk");
const selected = new Map(); // id -> the question that was shown about it, or ""
let isAll = false; // every task that fits, and not only those selected on the page

const boxes = () => [...list.querySelectorAll("input[data-id]")];
const idOf = (box) => decodeURIComponent(box.dataset.id);

function note(box) {
  if (box.checked) selected.set(idOf(box), decodeURIComponent(box.dataset.decision || ""));
  else selected.delete(idOf(box));
}

function tellSelected() {
  const all = boxes();
  const top = document.getElementById("pick-all");
  if (top) {
    top.checked = all.length > 0 && selected.size === all.length;
    top.indeterminate = selected.size > 0 && selected.size < all.length;
  }
  bar.hidden = selected.size === 0;
  document.getElementById("bulk-count").textContent = isAll
    ? "Everything that fits the filter is selected."
    : `${selected.size} selected.`;
  document.getElementById("bulk-all").textContent = isAll ? "Only those on this page" : "Select all that fit the filter";
}

list.addEventListener("change", (event) => {
  if (event.target.id === "pick-all") for (const box of boxes()) { box.checked = event.target.checked; note(box); }
  else if (event.target.dataset.id) note(event.target);
  else return;
  isAll = isAll && selected.size > 0;
  tellSelected();
});

// The table was drawn anew: what is still there stays selected, with the question that is shown now.
document.addEventListener("htmx:afterSwap", () => {
  const there = boxes();
  const before = new Map(selected);
  selected.clear();
  for (const box of there) {
    const was = before.get(idOf(box));
    // Another question than the one that was selected is another matter.
    box.checked = was !== undefined && was === decodeURIComponent(box.dataset.decision || "");
    note(box);
  }
  if (!selected.size) isAll = false;
  tellSelected();
});

document.getElementById("bulk-all").addEventListener("click", () => { isAll = !isAll; tellSelected(); });
document.getElementById("bulk-clear").addEventListener("click", selectNone);

function selectNone() {
  selected.clear();
  isAll = false;
  for (const box of boxes()) box.checked = false;
  tellSelected();
}

tellSelected();

// -- what is done to it -------------------------------------------------------------------------------------

const BULK = "/api/v1/tasks/bulk";
const bulkAsk = document.getElementById("bulk-ask");
const results = document.getElementById("bulk-results");
let pressed = null; // what will be sent when the person says yes
let isStopped = false;
const reasonOfMany = document.getElementById("bulk-reason");
const REASON_OF_MANY = "why many are cancelled"; // kept until it is sent
reasonOfMany.addEventListener("input", () => keepWords(REASON_OF_MANY, reasonOfMany.value));

function wanted(action) {
  const body = { action };
  if (action === "priority") body.priority = Number.parseInt(document.getElementById("bulk-priority").value, 10) || 0;
  if (!isAll) return { ...body, ids: [...selected.keys()] };
  const filter = {};
  const given = new URLSearchParams(location.search);
  for (const name of ["mode", "tag", "source", "q"]) if (given.get(name)) filter[name] = given.get(name);
  if (given.get("status")) filter.status = given.get("status").split(",");
  return { ...body, filter };
}

for (const button of bar.querySelectorAll("button[data-action]")) {
  button.addEventListener("click", async () => {
    const body = wanted(button.dataset.action);
    button.disabled = true;
    const { ok, said } = await postJson(BULK, { ...body, preview: true });
    switchOn(button);
    if (!ok) {
      tell("trouble", said.detail);
      return;
    }
    pressed = { body: { ...body, as_of: said.as_of }, button, count: said.count };
    if (body.action === "approve") pressed.body = approvalOf(said);
    showResults(said.shown);
    document.getElementById("bulk-what").textContent = said.message;
    document.getElementById("bulk-reason-label").hidden = body.action !== "cancel" || !said.count;
    reasonOfMany.value = keptWordsOf(REASON_OF_MANY);
    const yes = document.getElementById("bulk-yes");
    yes.hidden = !said.count;
    yes.textContent = button.textContent;
    yes.className = button.classList.contains("danger") ? "danger" : "primary";
    bulkAsk.showModal();
    document.getElementById("bulk-no").focus();
  });
}

document.getElementById("bulk-no").addEventListener("click", () => bulkAsk.close());
bulkAsk.addEventListener("close", () => { if (pressed) pressed.button.focus(); });
document.getElementById("bulk-yes").addEventListener("click", () => {
  const { body, count } = pressed;
  const reason = reasonOfMany.value.trim();
  if (reason && body.action === "cancel") body.reason = reason;
  bulkAsk.close();
  doAll(body, count);
});
document.getElementById("bulk-stop").addEventListener("click", () => { isStopped = true; });
document.getElementById("bulk-close").addEventListener("click", () => { results.hidden = true; });

async function doAll(body, count) {
  const progress = document.getElementById("bulk-progress");
  const stop = document.getElementById("bulk-stop");
  const told = document.getElementById("bulk-told");
  let done = 0;
  let kept = 0;
  isStopped = false;
  results.hidden = false;
  told.replaceChildren();
  stop.hidden = progress.hidden = !body.filter;
  progress.max = count;
  for (let after = null; ;) {
    const { ok, said } = await postJson(BULK, after ? { ...body, after } : body);
    if (!ok) {
      tellSum(`${done} done. ${said.detail}`);
      break;
    }
    if (body.reason) keepWords(REASON_OF_MANY, "");
    done += said.done;
    kept += said.kept;
    progress.value = done + kept;
    tellSum(said.next ? `${done} done …` : kept ? `${done} done, ${kept} not.` : said.message);
    listResults(told, said.results);
    after = said.next;
    if (!after || isStopped) break;
  }
  stop.hidden = progress.hidden = true;
  if (body.action !== "approve") selectNone(); // further results may be looked at next
  document.getElementById("bulk-close").focus();
  document.body.dispatchEvent(new Event("skep:pressed"));
}

function tellSum(text) {
  document.getElementById("bulk-sum").textContent = text;
}

const MOST_LISTED = 200;

// What could not be done is always told, what was done as far as there is room.
function listResults(told, found) {
  for (const each of [...found].sort((one, other) => one.ok - other.ok)) {
    if (told.childElementCount >= MOST_LISTED) return;
    const line = make("li", "", each.ok ? "" : "bad");
    line.append(make("b", each.ok ? "done: " : "not done: "), make("bdi", each.message));
    told.append(line);
  }
}

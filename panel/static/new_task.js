"use strict";
// Adding tasks: looked at while they are written, one from the form or many from a text, and added when asked to.

const LOOK_AFTER_MS = 350;
const CHECK = "/api/v1/tasks/check";
const ADD = "/api/v1/tasks";
const many = document.getElementById("many");
const text = document.getElementById("text");
const add = document.getElementById("add");
const verdict = document.getElementById("verdict");
const toldOf = document.getElementById("told-of");
let timer = 0;
let asking = null;

const isMany = () => !many.hidden;
const body = () => (isMany() ? { text: text.value, reading: many.elements.reading.value } : { tasks: [documentOf()] });
const isEmpty = () => (isMany() ? !text.value.trim() : !isWritten());

function say(words, kind = "") {
  verdict.textContent = seen(words);
  verdict.dataset.kind = kind;
}

function keep() {
  const isNothing = !isWritten() && !text.value.trim();
  keepDraft(isNothing ? null : { fields: draftOf(one, many), kept, is_many: isMany() });
}

function changed() {
  keep();
  if (!isMany()) document.getElementById("json").textContent = isEmpty() ? "" : seen(JSON.stringify(documentOf(), null, 2));
  clearTimeout(timer);
  if (asking) asking.abort();
  add.disabled = isEmpty();
  if (isEmpty()) {
    showErrors([]);
    toldOf.replaceChildren();
    say("Write something, and it is looked at as you type. Nothing is added before you say so.");
    add.textContent = isMany() ? "Add the tasks" : "Add the task";
    return;
  }
  timer = setTimeout(look, LOOK_AFTER_MS);
}

async function look() {
  asking = new AbortController();
  let answer;
  try {
    answer = await postJson(CHECK, body(), asking.signal);
  } catch {
    return; // something newer was written
  }
  tellTextError(isMany() && !answer.ok ? answer.said : null);
  if (!answer.ok) {
    toldOf.replaceChildren();
    say(answer.said.detail, "bad");
    add.disabled = true;
    return;
  }
  const { entries, good, refused, is_whole: isWhole } = answer.said;
  showForetold(toldOf, entries, isWhole);
  if (!isMany()) showErrors(entries[0].errors);
  add.disabled = !good;
  tellVerdict(entries, good, refused);
}

function tellVerdict(entries, good, refused) {
  const blocked = entries.filter(isBlocked).length;
  if (isMany()) {
    say(`${good} can be added${refused ? `, ${refused} cannot` : ""}${blocked ? `; ${blocked} would not run` : ""}.`, refused || blocked ? "bad" : "good");
    add.textContent = good === 1 ? "Add 1 task" : `Add ${good} tasks`;
  } else {
    say(refused ? "It breaks the contract." : blocked ? "It can be added, and would not run." : "It can be added.", refused || blocked ? "bad" : "good");
    add.textContent = blocked ? "Add it anyway" : "Add the task";
  }
}

function tellTextError(said) {
  const place = document.getElementById("e-text");
  place.hidden = !said;
  text.toggleAttribute("aria-invalid", Boolean(said));
  if (said) place.textContent = said.line ? `Line ${said.line}, column ${said.column}: ${said.detail}` : said.detail;
}

async function send() {
  if (isEmpty()) return;
  clearTimeout(timer);
  if (asking) asking.abort();
  add.disabled = true;
  const { ok, said } = await postJson(ADD, body());
  if (!ok) {
    tell("trouble", said.detail);
    if (!isMany() && said.entries) showErrors(said.entries[0].errors);
    switchOn(add);
    return;
  }
  tell("told", said.message);
  const added = said.entries.filter((entry) => entry.state !== "refused");
  toldOf.replaceChildren(links(added), ...refusals(said.entries));
  say(said.message, said.refused ? "bad" : "good");
  clear(said.entries);
  keep();
}

function links(entries) {
  const list = make("ul");
  for (const entry of entries.slice(0, 50)) {
    const item = make("li");
    const link = make("a", entry.id);
    link.href = `/tasks/${encodeURIComponent(entry.id)}`;
    item.append(link);
    if (entry.state === "known") item.append(" was in the queue already");
    list.append(item);
  }
  return list;
}

function refusals(entries) {
  return entries.filter((entry) => entry.state === "refused").slice(0, 50)
    .map((entry) => make("p", `${entry.where}: ${entry.errors[0].message}`, "bad"));
}

// What was added goes; what was refused stays to be mended, where it can be told apart.
function clear(entries) {
  add.textContent = isMany() ? "Add the tasks" : "Add the task";
  if (!isMany()) {
    for (const name of ["id", "prompt", "command"]) document.getElementById(`f-${name}`).value = "";
    document.getElementById("json").textContent = "";
    document.getElementById(`f-${kindOf()}`).focus();
    return;
  }
  const refused = entries.filter((entry) => entry.state === "refused" && /^line \d+$/.test(entry.where));
  const lines = text.value.split("\n");
  text.value = refused.map((entry) => lines[Number(entry.where.slice(5)) - 1]).join("\n");
}

async function take(file) {
  text.value = await file.text();
  if (/\.(txt)$/i.test(file.name)) many.elements.reading.value = "prompts";
  changed();
}

// -- the two ways, as tabs (w3.org/WAI/ARIA/apg/patterns/tabs) ------------------------------------------------

const tabs = [document.getElementById("way-one"), document.getElementById("way-many")];

function choose(tab) {
  for (const each of tabs) {
    const isChosen = each === tab;
    each.setAttribute("aria-selected", String(isChosen));
    each.tabIndex = isChosen ? 0 : -1;
    document.getElementById(each.getAttribute("aria-controls")).hidden = !isChosen;
  }
  document.getElementById("written").hidden = isMany();
  add.setAttribute("form", isMany() ? "many" : "one");
  changed();
}

for (const tab of tabs) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const other = tabs.find((each) => each !== tab);
    choose(other);
    other.focus();
  });
}

for (const form of [one, many]) {
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
  });
}
onFile(many.querySelector(".drop"), document.getElementById("file"), (file) => {
  if (!isMany()) choose(tabs[1]);
  take(file);
});

async function begin() {
  const draft = keptDraft();
  if (draft) {
    restoreDraft(draft.fields, one, many);
    kept = draft.kept;
    showKind();
    choose(tabs[draft.is_many ? 1 : 0]);
    return;
  }
  const like = new URLSearchParams(location.search).get("like");
  if (like) {
    const answer = await fetch(`/api/v1/tasks/${encodeURIComponent(like)}`);
    if (answer.ok) fill((await answer.json()).task);
    else tell("trouble", `There is no task ${like} to begin with.`);
  }
  changed();
}
begin();

"use strict";
// Editing a task, and adding an edited copy: checked as it is typed, by the panel's own rules, and sent as JSON.

const editing = document.getElementById("edit");
const CHECK_MS = 400;

function readTask(field) {
  try {
    const task = JSON.parse(field.value);
    if (task === null || typeof task !== "object" || Array.isArray(task)) return { fault: "It must be an object such as {\"prompt\": \"...\"}." };
    return { task };
  } catch (error) {
    return { fault: `It is not JSON yet: ${error.message}` };
  }
}

async function send(field, onlyCheck) {
  const { task, fault } = readTask(field);
  if (fault) return { isFine: false, told: fault };
  const body = { task, only_check: onlyCheck };
  if (field.dataset.kind === "edit") body.version = Number(editing.dataset.version);
  const answer = await fetch(editing.dataset[field.dataset.kind], {
    method: "POST",
    headers: { "Content-Type": "application/json", ...JSON.parse(document.body.getAttribute("hx-headers")) },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  return { isFine: answer.ok && said.would_be_taken !== false, told: answer.ok ? said.message : said.detail, task: said.task, version: said.version };
}

function tellVerdict(field, { isFine, told }) {
  const verdict = document.getElementById(`${field.dataset.kind}-verdict`);
  verdict.textContent = told;
  verdict.classList.toggle("bad", !isFine);
  field.setAttribute("aria-invalid", String(!isFine));
}

function check(field) {
  const typed = field.value;
  send(field, true).then((verdict) => {
    if (field.value === typed) tellVerdict(field, verdict);
  }).catch(() => tellVerdict(field, { isFine: false, told: "The panel does not answer." }));
}

// JSON in which what is invisible, or turns a line around, is written as an escape.
function escaped(json) {
  const unseen = /[\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
  return json.replace(unseen, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// The line that adds the same copy, for a shell.
function tellLine(field) {
  const { task } = readTask(field);
  const quoted = task ? escaped(JSON.stringify(task)).replaceAll("'", "'\\''") : "...";
  showLine(document.getElementById("cli-rerun"), `printf '%s\\n' '${quoted}' | skep add --file -`);
}

// What was typed, with the version of the task it was typed about: an edit of an older one is refused.
const areas = [...editing.querySelectorAll("textarea")];

function keep() {
  const isTyped = areas.some((field) => field.value !== field.defaultValue);
  keepDraft(isTyped ? { fields: draftOf(editing), version: editing.dataset.version } : null);
}

function sent(field) {
  field.defaultValue = field.value;
  keep();
}

const draft = keptDraft();
if (draft) {
  restoreDraft(draft.fields, editing);
  editing.dataset.version = draft.version;
  document.getElementById("rerun").open = true;
}

for (const field of areas) {
  let timer = 0;
  if (draft && field.value !== field.defaultValue) check(field);
  field.addEventListener("input", () => {
    keep();
    clearTimeout(timer);
    timer = setTimeout(() => check(field), CHECK_MS);
    if (field.dataset.kind === "rerun") tellLine(field);
  });
  if (field.dataset.kind === "rerun") tellLine(field);
}

async function give(button, field, onDone) {
  button.disabled = true;
  try {
    const verdict = await send(field, false);
    tellVerdict(field, verdict);
    tell(verdict.isFine ? "told" : "trouble", verdict.told);
    if (verdict.isFine) onDone(verdict);
  } catch {
    tell("trouble", "The panel does not answer.");
  } finally {
    switchOn(button);
    document.body.dispatchEvent(new Event("skep:pressed"));
  }
}

const save = document.getElementById("edit-save");
if (save) {
  save.addEventListener("click", () => give(save, document.getElementById("edit-text"), ({ version }) => {
    editing.dataset.version = version;
    sent(document.getElementById("edit-text"));
  }));
}
const add = document.getElementById("rerun-add");
add.addEventListener("click", () => give(add, document.getElementById("rerun-text"), ({ task }) => {
  sent(document.getElementById("rerun-text"));
  location.assign(`/tasks/${encodeURIComponent(task.id)}`);
}));

"use strict";
// Starting a run: the document is checked while it is written, with line and column, and started when asked to.

const LOOK_AFTER_MS = 350;
const MOST_PROBLEMS = 50;
const form = document.getElementById("start");
const text = document.getElementById("text");
const go = document.getElementById("go");
const verdict = document.getElementById("verdict");
const problems = document.getElementById("problems");
const toldOf = document.getElementById("told-of");
const inputs = document.getElementById("inputs");
const inputFields = document.getElementById("input-fields");
const given = new Map(); // inputs that a person wrote, by name
let timer = 0;
let asking = null;

function body() {
  const said = { text: text.value };
  const shown = [...inputFields.querySelectorAll("textarea")].map((each) => each.dataset.name);
  const written = [...given].filter(([name, words]) => shown.includes(name) && words !== "");
  if (written.length) said.inputs = Object.fromEntries(written);
  const id = document.getElementById("run-id").value.trim();
  if (id) said.id = id;
  return said;
}

function keep() {
  const id = document.getElementById("run-id").value;
  keepDraft(text.value.trim() || id ? { text: text.value, id, inputs: [...given] } : null);
}

function say(words, kind = "") {
  verdict.textContent = seen(words);
  verdict.dataset.kind = kind;
}

// What is wrong with the id of the run is told at its own field: it stands nowhere in the document.
function showIdProblem(words) {
  const field = document.getElementById("run-id");
  const told = document.getElementById("run-id-told");
  told.textContent = seen(words);
  told.hidden = !words;
  if (words) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function showProblems(all) {
  const ofId = all.find((each) => each.path === "id" && !each.line);
  showIdProblem(ofId ? ofId.message.replace(/^id: /, "It ") : "");
  const found = all.filter((each) => each !== ofId);
  problems.hidden = !found.length;
  problems.replaceChildren(...found.slice(0, MOST_PROBLEMS).map(problemOf));
  if (found.length > MOST_PROBLEMS) problems.append(make("li", `and ${found.length - MOST_PROBLEMS} more`));
  text.toggleAttribute("aria-invalid", found.length > 0);
}

// A problem whose place is known is a button that goes there.
function problemOf(problem) {
  const item = make("li");
  if (problem.line) {
    const there = make("button", `Line ${problem.line}, column ${problem.column}`, "secondary");
    there.type = "button";
    there.addEventListener("click", () => goTo(problem.line, problem.column));
    item.append(there, " ");
  }
  const path = problem.path && !problem.message.startsWith(problem.path) ? `${problem.path}: ` : "";
  item.append(make("bdi", `${path}${problem.message}`));
  return item;
}

function goTo(line, column) {
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  text.focus();
  text.setSelectionRange(start, start + Math.max(1, (lines[line - 1] || "").length - column + 1));
  text.scrollTop = Math.max(0, line - 4) * (text.scrollHeight / Math.max(1, lines.length));
}

// Fields for the inputs that the workflow names; what was written in them stays.
function showInputs(named) {
  const names = Object.keys(named);
  const shown = [...inputFields.querySelectorAll("textarea")].map((each) => each.dataset.name);
  inputs.hidden = !names.length;
  if (JSON.stringify(names) === JSON.stringify(shown)) return;
  inputFields.replaceChildren(...names.map((name, number) => {
    const label = make("label", name);
    const words = make("textarea");
    words.rows = 2;
    words.id = `input-${number}`;
    words.dataset.name = name;
    words.value = given.get(name) || "";
    words.placeholder = named[name] === null ? "to be given" : seen(named[name].slice(0, 200));
    label.append(words);
    return label;
  }));
}

function showForetold(said) {
  const list = make("dl");
  const line = (name, words) => list.append(make("dt", name), make("dd", words));
  line("Run", said.name || said.id || "without a name");
  line("Tasks", `${said.tasks.toLocaleString()}, of which a model does ${said.models.toLocaleString()}`);
  line("Cost", said.cost.text);
  if (said.cost.unknown.length) line("Price not known yet", said.cost.unknown.join(", "));
  for (const each of said.blocked) line("Would not run", `${each.task}: ${each.reason}`);
  toldOf.replaceChildren(list);
}

function changed() {
  clearTimeout(timer);
  if (asking) asking.abort();
  go.disabled = true;
  if (!text.value.trim()) {
    showProblems([]);
    showInputs({});
    toldOf.replaceChildren();
    say("Paste something, and it is checked as you type. Nothing is started before you say so.");
    return;
  }
  timer = setTimeout(look, LOOK_AFTER_MS);
}

async function look() {
  asking = new AbortController();
  let answer;
  try {
    answer = await postJson(form.dataset.asks, body(), asking.signal);
  } catch {
    return; // something newer was written
  }
  const { ok, said } = answer;
  if (!ok) {
    toldOf.replaceChildren();
    showProblems([]);
    say(said.detail, "bad");
    return;
  }
  showProblems(said.problems);
  showInputs(said.inputs);
  go.disabled = !said.ok;
  if (!said.ok) {
    toldOf.replaceChildren();
    say(said.problems.length === 1 ? "One thing is wrong." : `${said.problems.length} things are wrong.`, "bad");
    return;
  }
  showForetold(said);
  say(said.blocked.length ? "It can be started; some of it would not run." : "It can be started.", said.blocked.length ? "bad" : "good");
}

async function start() {
  if (go.disabled) return;
  go.disabled = true;
  clearTimeout(timer);
  if (asking) asking.abort();
  const { ok, said } = await postJson(form.dataset.starts, body());
  if (ok) {
    keepDraft(null);
    location.assign(`/runs/${encodeURIComponent(said.run.id)}`);
    return;
  }
  showProblems(said.problems || []);
  if (said.code === "run_exists") showIdProblem(said.detail);
  say(said.detail, "bad");
}

async function take(file) {
  text.value = await file.text();
  keep();
  changed();
}

form.addEventListener("input", (event) => {
  if (event.target.dataset.name) given.set(event.target.dataset.name, event.target.value);
  keep();
  changed();
});
form.addEventListener("submit", (event) => { event.preventDefault(); start(); });
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); start(); }
});
onFile(form.querySelector(".drop"), document.getElementById("file"), take);

function begin() {
  const draft = keptDraft();
  if (draft) {
    text.value = draft.text;
    document.getElementById("run-id").value = draft.id;
    for (const [name, words] of draft.inputs) given.set(name, words);
  }
  changed();
}

begin();

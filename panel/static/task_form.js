"use strict";
// The form for one task: the document it says, and where its errors stand.

const one = document.getElementById("one");
let kept = {}; // fields of a task that was taken as a model and that the form has no place for

const kindOf = () => one.elements.kind.value;

function showKind() {
  for (const part of one.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== kindOf();
}

// The words of a command line, with quotes, as a shell would cut it and without anything else that a shell does.
function wordsOf(text) {
  const found = [];
  for (const match of text.matchAll(/(?:"((?:\\.|[^"\\])*)"|'([^']*)'|[^\s"']+)+/g)) {
    found.push(match[0].replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (whole, double, single) => (
      double === undefined ? single : double.replace(/\\(["\\])/g, "$1"))));
  }
  return found;
}

const READ = {
  number: (text) => (Number.isFinite(Number(text)) ? Number(text) : text),
  words: (text) => text.split(/[\s,]+/).filter(Boolean),
  lines: (text) => text.split("\n").map((each) => each.trim()).filter(Boolean),
  commands: (text) => text.split("\n").map(wordsOf).filter((each) => each.length),
  "": (text) => text,
};

// What the form says, as it would stand in the queue file; empty fields say nothing.
function documentOf() {
  const task = {};
  const expect = {};
  for (const field of one.querySelectorAll("[data-field]")) {
    const name = field.dataset.field;
    const isOther = ["prompt", "command"].includes(name) && name !== kindOf();
    if (isOther || field.value.trim() === "") continue;
    const value = READ[field.dataset.as](field.dataset.as ? field.value.trim() : field.value);
    if (name.startsWith("expect.")) expect[name.slice(7)] = value;
    else task[name] = value;
  }
  if (document.getElementById("f-alone").checked) task.parallel_safe = false;
  if (document.getElementById("f-plan-review").checked && kindOf() === "prompt") task.plan_review = true;
  if (document.getElementById("f-json").checked) expect.format = "json";
  const all = { ...(kept.expect || {}), ...expect };
  return { ...kept, ...task, ...(Object.keys(all).length ? { expect: all } : {}) };
}

const isWritten = () => Boolean(one.querySelector(`#f-${kindOf()}`).value.trim());

function showErrors(errors) {
  for (const place of one.querySelectorAll("[data-error]")) {
    place.hidden = true;
    const field = document.getElementById(`f-${place.dataset.error}`);
    if (field) field.removeAttribute("aria-invalid");
  }
  for (const { field, message } of errors) {
    const name = placeOf(field || "");
    const place = one.querySelector(`[data-error="${name}"]`);
    place.textContent = seen(message);
    place.hidden = false;
    const input = document.getElementById(`f-${name}`);
    if (!input) continue;
    input.setAttribute("aria-invalid", "true");
    const group = input.closest("details");
    if (group) group.open = true;
  }
}

// expect.files[0] stands at expect.files, tags[2] at tags, what has no field of its own at the end.
function placeOf(path) {
  const places = [path.split("[")[0], path.split(/[.[]/)[0]];
  const found = places.find((name) => name && /^[\w.]+$/.test(name) && one.querySelector(`[data-error="${name}"]`));
  return found || "";
}

// Fill the form with a task that was there before; whatever the form has no place for is kept as it is.
function fill(task) {
  kept = { ...task };
  for (const name of ["id", "status"]) delete kept[name];
  if (typeof task.command === "string") one.elements.kind.value = "command";
  for (const field of one.querySelectorAll("[data-field]")) {
    const name = field.dataset.field;
    const value = kept[name];
    const isList = Array.isArray(value) && value.every((each) => typeof each === "string");
    if (field.dataset.as === "words" ? !isList : !["string", "number"].includes(typeof value)) continue;
    field.value = isList ? value.join(", ") : String(value);
    if (field.value !== "") delete kept[name]; // a time that the field cannot show is kept
  }
  showKind();
}

for (const radio of one.querySelectorAll("[name=kind]")) radio.addEventListener("change", showKind);
showKind();

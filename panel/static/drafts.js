"use strict";
// What is typed and not sent yet, kept by this tab alone until it is sent: logging in again loses none of it.

const draftKey = `skep-draft:${location.pathname}${location.search}`;

function keepDraft(draft) {
  try {
    if (draft === null) sessionStorage.removeItem(draftKey);
    else sessionStorage.setItem(draftKey, JSON.stringify(draft));
  } catch { /* more than a tab may keep: it stays on the page */ }
}

function keptDraft() {
  try {
    return JSON.parse(sessionStorage.getItem(draftKey));
  } catch {
    return null;
  }
}

// The fields under an element by their ids or, where several share a name, by name and value.
const draftName = (field) => field.id || `${field.name}=${field.value}`;
const isTick = (field) => ["checkbox", "radio"].includes(field.type);

function fieldsUnder(...elements) {
  return elements.flatMap((each) => [...each.querySelectorAll("input:not([type=file]), select, textarea")]);
}

function draftOf(...elements) {
  return Object.fromEntries(fieldsUnder(...elements).map((field) => [draftName(field), isTick(field) ? field.checked : field.value]));
}

function restoreDraft(draft, ...elements) {
  for (const field of fieldsUnder(...elements)) {
    const value = draft[draftName(field)];
    if (isTick(field) && typeof value === "boolean") field.checked = value;
    else if (!isTick(field) && typeof value === "string") field.value = value;
  }
}

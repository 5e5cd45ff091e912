"use strict";
// What a press of a button sends: JSON, after a question where something cannot be taken back.

htmx.defineExtension("json-body", {
  onEvent(name, event) {
    if (name === "htmx:configRequest") event.detail.headers["Content-Type"] = "application/json";
    return true;
  },
  encodeParameters(xhr, parameters, button) {
    const body = Object.fromEntries(parameters);
    for (const name of (button.dataset.numbers || "").split(" ").filter(Boolean)) {
      body[name] = body[name] === "" ? null : Number(body[name]);
    }
    return JSON.stringify(body);
  },
});

// Only a page of the panel's own becomes part of the page: what is data stays data, whatever stands in it. htmx would
// otherwise look through the answer to a button for pieces that name a place to go to (hx-swap-oob).
document.addEventListener("htmx:beforeSwap", (event) => {
  const kind = event.detail.xhr.getResponseHeader("Content-Type") || "";
  if (!kind.startsWith("text/html")) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:oobBeforeSwap", (event) => { event.detail.shouldSwap = false; });

const dialog = document.getElementById("ask");
const reasonLabel = document.getElementById("ask-reason-label");
const reasonField = document.getElementById("ask-reason");
const ABOUT = "What it is about";
let asked = null; // the button the open dialog is about, and how to go on

document.body.addEventListener("htmx:confirm", (event) => {
  const button = event.detail.elt;
  if (!button.dataset.ask) return;
  event.preventDefault();
  asked = { goOn: event.detail.issueRequest, id: button.id, field: button.dataset.reasonField, reason: "" };
  document.getElementById("ask-what").textContent = button.dataset.ask;
  const about = document.getElementById("ask-about");
  const shown = document.getElementById(button.dataset.aboutFrom || "");
  about.replaceChildren(...(shown ? [...shown.children].map((each) => each.cloneNode(true)) : []));
  for (const words of about.querySelectorAll(".words")) words.setAttribute("aria-label", ABOUT);
  if (button.dataset.about) about.replaceChildren(...shownAbout(JSON.parse(button.dataset.about), ABOUT));
  about.hidden = !about.childElementCount;
  const yes = document.getElementById("ask-yes");
  yes.disabled = false;
  if (button.dataset.aboutAt) loadAbout(button.dataset.aboutAt, about, yes);
  yes.textContent = button.textContent;
  yes.className = button.classList.contains("danger") ? "danger" : "primary";
  reasonLabel.hidden = !button.dataset.reason;
  reasonLabel.firstElementChild.textContent = button.dataset.reason || "";
  reasonField.value = button.dataset.reason ? keptWordsOf(button.id) : "";
  dialog.showModal();
  (button.dataset.reason ? reasonField : document.getElementById("ask-no")).focus();
});

// The words that are decided on, where a row has no room for them: nothing is said yes to before they stand there.
async function loadAbout(path, about, yes) {
  const { id } = asked;
  const isStill = () => dialog.open && asked && asked.id === id;
  yes.disabled = true;
  about.hidden = false;
  about.replaceChildren(make("p", "loading what this is about…"));
  try {
    const answer = await fetch(path, { headers: { Accept: "application/json" } });
    const said = await answer.json();
    if (!isStill()) return;
    about.replaceChildren(...(answer.ok ? shownAbout(said, ABOUT) : [make("p", said.detail)]));
    about.hidden = !about.childElementCount;
    yes.disabled = !answer.ok;
  } catch {
    if (isStill()) about.replaceChildren(make("p", "The panel does not answer: what this is about cannot be shown. Close this and try again."));
  }
}

reasonField.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) document.getElementById("ask-yes").click();
});
reasonField.addEventListener("input", () => keepWords(asked.id, reasonField.value));
document.getElementById("ask-no").addEventListener("click", () => dialog.close());
document.getElementById("ask-yes").addEventListener("click", () => {
  const { goOn } = asked;
  asked.reason = reasonField.value.trim();
  dialog.close();
  goOn(true);
});
dialog.addEventListener("close", () => {
  const button = asked && document.getElementById(asked.id);
  if (button) button.focus();
});

// A button that is switched off while its request is under way loses the keyboard's focus; it, or what has its id once
// the page has changed, gets it back.
let pressedId = "";

function giveFocusBack() {
  const button = document.getElementById(pressedId);
  if (button && document.activeElement === document.body) button.focus({ preventScroll: true });
}

document.addEventListener("focusin", (event) => {
  if (event.target.id !== pressedId && !dialog.open) pressedId = "";
});
document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb === "post") pressedId = event.detail.elt.id;
});
document.addEventListener("htmx:afterSettle", giveFocusBack);

document.body.addEventListener("htmx:configRequest", (event) => {
  if (asked && asked.reason && event.detail.elt.id === asked.id) {
    event.detail.parameters[asked.field] = asked.reason;
    asked = null;
  }
});

function tell(id, text) {
  for (const other of ["told", "trouble"]) {
    const line = document.getElementById(other);
    line.textContent = other === id ? text : "";
    line.hidden = other !== id;
  }
}

document.body.addEventListener("htmx:afterRequest", (event) => {
  const { elt, xhr, successful } = event.detail;
  if (event.detail.requestConfig.verb !== "post") return;
  if (elt.id === "log-out" && successful) {
    sessionStorage.clear(); // drafts are for who wrote them
    location.reload();
    return;
  }
  let said = {};
  try {
    said = JSON.parse(xhr.responseText);
  } catch {
    said = { detail: "The panel does not answer." };
  }
  const words = keptWordsOf(elt.id);
  if (successful) {
    tell("told", said.message);
    keepWords(elt.id, "");
  } else {
    tell("trouble", said.detail);
    if (words) showRefused(words);
  }
  setTimeout(giveFocusBack); // once it is switched on again
  document.body.dispatchEvent(new Event("skep:pressed"));
});

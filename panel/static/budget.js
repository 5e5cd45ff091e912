"use strict";
// The two questions about money: how much more, and how much at all. What goes wrong is told where it was typed.

let opener = null;

function partOf(name, part) {
  return document.getElementById(`money-${name}-${part}`);
}

function tellCommand(name) {
  const limit = partOf(name, "limit").value.trim() || "day";
  const amount = partOf(name, "amount").value.trim() || "5.00";
  const reason = name === "set" ? ' --reason "…"' : "";
  showLine(partOf(name, "cli"), `skep budget ${name} ${amount} --limit ${shellQuoted(limit)}${reason}`);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-money]");
  if (button) {
    const name = button.dataset.money;
    opener = button.id;
    partOf(name, "limit").value = button.dataset.limit;
    partOf(name, "trouble").hidden = true;
    tellCommand(name);
    document.getElementById(`money-${name}`).showModal();
    partOf(name, "amount").focus();
  } else if (event.target.closest("[data-close]")) {
    event.target.closest("dialog").close();
  }
});

for (const name of ["add", "set"]) {
  const form = partOf(name, "form");
  form.addEventListener("input", () => tellCommand(name));
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) {
      form.reset();
      form.closest("dialog").close();
      return;
    }
    let said = "The panel does not answer.";
    try {
      said = JSON.parse(event.detail.xhr.responseText).detail;
    } catch {
      // no JSON: nobody answered
    }
    const trouble = partOf(name, "trouble");
    trouble.textContent = said;
    trouble.hidden = false;
  });
  form.closest("dialog").addEventListener("close", () => {
    const button = opener && document.getElementById(opener);
    if (button) button.focus();
  });
}

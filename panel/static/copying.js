"use strict";
// The command line that stands beside a button: told anew as a form is filled in, and copied.

const LONG_LINE = 90; // characters: a longer line may scroll in its box, and then the keyboard must reach it

function showLine(code, line) {
  code.textContent = line;
  if (line.length > LONG_LINE) code.tabIndex = 0;
  else code.removeAttribute("tabindex");
  const copy = document.querySelector(`button[data-copies="${code.id}"]`);
  if (copy) copy.setAttribute("aria-label", `Copy ${line}`);
}

function shellQuoted(text) {
  return /^[\w:.@\/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copies]");
  if (!button) return;
  const line = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(line.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  } catch {
    getSelection().selectAllChildren(line); // ready to be copied by hand
  }
});

"use strict";
// A file that is dropped anywhere on the page, or chosen, is handed to whoever asked for it; text in it is only text.

function onFile(zone, chooser, take) {
  chooser.addEventListener("change", (event) => { if (event.target.files[0]) take(event.target.files[0]); });
  document.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  document.addEventListener("dragleave", () => zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}

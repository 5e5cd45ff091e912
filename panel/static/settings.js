"use strict";
// Narrows the settings down to those that have a word in their name, meaning or source.

const find = document.getElementById("find-setting");
const entries = [...document.querySelectorAll("[data-setting]")];

find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of entries) {
    const text = entry.textContent.toLowerCase();
    entry.hidden = !words.every((word) => text.includes(word));
  }
  for (const part of document.querySelectorAll("[data-part]")) {
    part.hidden = !part.querySelector("[data-setting]:not([hidden])");
  }
  const count = entries.filter((entry) => !entry.hidden).length;
  document.getElementById("found-settings").textContent = words.length ? `${count} of ${entries.length} settings` : "";
});

"use strict";
// What is pressed or chosen before the scripts of the page are there is done once they are. Not deferred.
{
  let pressed = null;
  const chosen = new Set();
  const keep = (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    pressed = button;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const note = (event) => { chosen.add(event.target); };
  document.addEventListener("click", keep, true);
  document.addEventListener("change", note, true);
  document.addEventListener("DOMContentLoaded", () => {
    document.removeEventListener("click", keep, true);
    document.removeEventListener("change", note, true);
    setTimeout(() => { // after all who wait for the same moment
      for (const field of chosen) field.dispatchEvent(new Event("change", { bubbles: true }));
      pressed?.click();
    });
  });
}

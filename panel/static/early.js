"use strict";
// A button that is pressed before the scripts of the page are there is pressed again once they are. Not deferred.
{
  let pressed = null;
  const keep = (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    pressed = button;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener("click", keep, true);
  document.addEventListener("DOMContentLoaded", () => {
    document.removeEventListener("click", keep, true);
    setTimeout(() => { pressed?.click(); }); // after all who wait for the same moment
  });
}

"use strict";
// A form of filters goes to the page's own address with what it says; empty fields say nothing.

for (const form of document.querySelectorAll("form[data-filters]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const said = [...new FormData(form)].filter(([, value]) => value !== "");
    const query = new URLSearchParams(said).toString();
    location.assign(form.getAttribute("action") + (query ? `?${query}` : ""));
  });
}

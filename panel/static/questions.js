"use strict";
// A form that asks the API something: its fields go there as JSON, and the page's own script shows the answer, which it
// gets with the event `skep:answer`. The newest question counts; an answer to an earlier one is thrown away.

function csrfToken() {
  return JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"];
}

async function askApi(path, fields) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrfToken() },
    body: JSON.stringify(fields),
  });
  if (answer.status === 401) location.reload();
  return { isFine: answer.ok, told: await answer.json() };
}

// A piece of a page made of texts alone.
function piece(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

let newestQuestion = 0;
for (const form of document.querySelectorAll("form[data-asks]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const number = ++newestQuestion;
    const fields = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).replaceAll("\r\n", "\n")]));
    form.setAttribute("aria-busy", "true");
    let answer = { isFine: false, told: { detail: "The panel does not answer." } };
    try {
      answer = await askApi(form.dataset.asks, fields);
    } catch { /* told as it stands */ }
    form.removeAttribute("aria-busy");
    if (number === newestQuestion) form.dispatchEvent(new CustomEvent("skep:answer", { detail: answer }));
  });
}

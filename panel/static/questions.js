"use strict";
// A form that asks the API something: its fields go there as JSON, and the page's own script shows the answer, which it
// gets with the event `skep:answer`. The newest question counts; an answer to an earlier one is thrown away.

let newestQuestion = 0;

function fieldsOf(form) {
  const fields = [...new FormData(form)].map(([name, value]) => [name, String(value).replaceAll("\r\n", "\n")]);
  return Object.fromEntries(fields);
}

for (const form of document.querySelectorAll("form[data-asks]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const number = ++newestQuestion;
    form.setAttribute("aria-busy", "true");
    const { ok, said } = await postJson(form.dataset.asks, fieldsOf(form));
    form.removeAttribute("aria-busy");
    if (number === newestQuestion) form.dispatchEvent(new CustomEvent("skep:answer", { detail: { isFine: ok, told: said } }));
  });
}

"use strict";
// The form that says what the graph is of.

const of = document.getElementById("of");
document.getElementById("named").addEventListener("input", () => { of.value ||= "task"; });
// Forms send nothing by themselves here: the panel's policy forbids it.
document.getElementById("narrow-to").addEventListener("submit", (event) => {
  event.preventDefault();
  const named = document.getElementById("named").value.trim();
  location.assign(named && of.value ? `/graph?${new URLSearchParams({ [of.value]: named })}` : "/graph");
});

"use strict";
// A request to the API from a script of a page: JSON with the page's token, and an answer or a sentence of trouble.

const pageToken = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRF-Token"] || "";

async function postJson(path, body, signal) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": pageToken },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return { ok: false, status: 0, said: { detail: "The panel does not answer." } };
  }
  if (answer.status === 401) location.reload();
  let said = { detail: "The panel does not answer." };
  try {
    said = await answer.json();
  } catch { /* no JSON: the sentence stays */ }
  return { ok: answer.ok, status: answer.status, said };
}

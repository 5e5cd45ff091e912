"use strict";
// A request to the API from a script of a page: JSON with the page's token, and an answer or a sentence of trouble.

const pageToken = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRF-Token"] || "";

const UNREAD_ANSWER = "The panel's answer cannot be read.";

// What an answer says: an object, as all of them are; else, as where it breaks off or another program gave it, none.
async function saidBy(answer) {
  try {
    const said = await answer.json();
    return said instanceof Object ? said : null;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null;
  }
}

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
  const said = await saidBy(answer);
  return { ok: answer.ok && said !== null, status: answer.status, said: said || { detail: UNREAD_ANSWER } };
}

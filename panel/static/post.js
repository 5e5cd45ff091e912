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

// An element with text in it; text never becomes anything else. What hides or turns text around is spelled out.
function make(name, text = "", look = "") {
  const made = document.createElement(name);
  if (text !== "") made.textContent = seen(String(text));
  if (look) made.className = look;
  return made;
}

function seen(text) {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g,
    (found) => {
      const code = found.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
    },
  );
}

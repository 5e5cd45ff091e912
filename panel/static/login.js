"use strict";
// Logging in with the code of the link. The fragment never leaves the browser but in the body of this one request.

const state = document.getElementById("login-state");
const trouble = document.getElementById("login-trouble");
const field = document.getElementById("code");

function codeOf(text) {
  const found = /(?:^|#)code=([\w-]+)/.exec(text.trim());
  return found ? found[1] : /^[\w-]{20,}$/.test(text.trim()) ? text.trim() : "";
}

async function logIn(code) {
  trouble.hidden = true;
  state.textContent = "Logging in…";
  try {
    const answer = await fetch("/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code }),
    });
    if (answer.ok) {
      location.replace(location.pathname + location.search);
      return;
    }
    tell((await answer.json()).detail);
  } catch {
    tell("The panel does not answer. Is it running?");
  }
}

function tell(problem) {
  state.textContent = "Run skep panel in a terminal for a new link.";
  trouble.textContent = problem;
  trouble.hidden = false;
}

function takeFragment() {
  const code = codeOf(location.hash);
  history.replaceState(null, "", location.pathname + location.search);
  if (code) logIn(code);
  return code !== "";
}

// A link on another site opens this page without its cookie though the person is logged in; asking again from
// here brings the cookie along.
async function lookAgain() {
  const answer = await fetch("/api/v1/status").catch(() => null);
  if (answer && answer.ok) location.replace(location.pathname + location.search);
}

function logInByHand() {
  const code = codeOf(field.value);
  if (code) logIn(code);
  else tell("This is not a login link.");
}

document.getElementById("log-in").addEventListener("click", logInByHand);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter") logInByHand();
});
document.getElementById("login-draft").hidden = !sessionStorage.getItem(`skep-draft:${location.pathname}${location.search}`);
window.addEventListener("hashchange", takeFragment);
if (!takeFragment()) lookAgain();

"use strict";
// What a person writes with an answer, kept by this tab until the answer is taken: a dialog that is left, a page that is
// loaded again and somebody who answered first lose none of it.

const WORDS_KEY = `skep-words:${location.pathname}`;
const keptBox = document.getElementById("kept");

function allWords() {
  try {
    return JSON.parse(sessionStorage.getItem(WORDS_KEY)) || {};
  } catch {
    return {};
  }
}

// `about` is the button the words belong to; what was refused stands on the page, as its button may be gone.
const keptWordsOf = (about) => allWords()[about] || "";
const REFUSED = "refused words";

function keepWords(about, words) {
  const all = allWords();
  if (words) all[about] = words;
  else delete all[about];
  try {
    sessionStorage.setItem(WORDS_KEY, JSON.stringify(all));
  } catch { /* more than a tab may keep: they stay where they stand */ }
}

function showRefused(words) {
  keepWords(REFUSED, words);
  document.getElementById("kept-words").value = words;
  keptBox.hidden = !words;
}

document.getElementById("kept-drop").addEventListener("click", () => {
  const dropped = keptWordsOf(REFUSED);
  for (const [about, words] of Object.entries(allWords())) if (words === dropped) keepWords(about, "");
  showRefused("");
});
showRefused(keptWordsOf(REFUSED));

"use strict";
// Text of unknown origin as elements of the page: never anything but text, nothing hidden, and Skep's own notes about it
// outside of it, where no text can pass for them.

// An element with text in it; text never becomes anything else. What hides or turns text around is spelled out.
function make(name, text = "", look = "") {
  const made = document.createElement(name);
  if (text !== "") made.textContent = seen(String(text));
  if (look) made.className = look;
  return made;
}

// As `unseen.py` says what is to be spelled out; a test holds the two together.
const UNSEEN = (() => {
  const controls = "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u2028\\u2029\\ufff9-\\ufffb\\ud800-\\udfff";
  const ignorable = "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e\\u200f\\u202a-\\u202e"
    + "\\u2060-\\u206f\\u3164\\ufe00-\\ufe0d\\ufeff\\uffa0\\ufff0-\\ufff8\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}"
    + "\\u{e0000}-\\u{e0fff}";
  const joiners = "\\u200c\\u200d";
  const looks = "\\ufe0e\\ufe0f";
  const nothing = `\\s${controls}${ignorable}`;
  return new RegExp(
    `[${controls}${ignorable}]|(?<![^${nothing}${joiners}])[${joiners}]|(?<![^${nothing}${joiners}${looks}])[${looks}]`, "gu",
  );
})();

function seen(text) {
  return text.replace(UNSEEN, (found) => {
    const code = found.codePointAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

// Whether a text says nothing: there is nothing in it that draws.
function isBlank(text) {
  return /^[\s\u2800\p{Default_Ignorable_Code_Point}\u0000-\u001f\u007f-\u009f\ufff9-\ufffb]*$/u.test(text);
}

// What is decided on: how long it is, and its parts in a region of its own that scrolls; nothing where there is nothing.
function shownAbout({ about_length: length, about_parts: parts }, name) {
  if (!parts.length) return [];
  const words = make("div", "", "words");
  words.tabIndex = 0;
  words.setAttribute("role", "region");
  words.setAttribute("aria-label", seen(name));
  for (const { text, is_note: isNote } of parts) words.append(make(isNote ? "p" : "pre", text, isNote ? "note" : ""));
  return [make("p", `Length: ${length}.`, "length"), words];
}

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

function seen(text) {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g,
    (found) => {
      const code = found.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
    },
  );
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

"use strict";
// A text in which large and small letters are alike, and each stands where it stood, for the places of hits; as in
// panel/output_finding.py. Of all letters only U+0130 has a longer small one, and only the final sigma depends on
// what stands beside it (Unicode, SpecialCasing.txt).

export function folded(text) {
  return text.replace(/\u0130/g, "i").replace(/[\u03a3\u03c2]/g, "\u03c3").toLowerCase();
}

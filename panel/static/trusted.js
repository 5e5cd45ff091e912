"use strict";
// The one way in which text becomes part of the page: the pieces of it that htmx asks this panel for. Browsers that
// know Trusted Types (w3.org/TR/trusted-types) refuse every other, and every text that would become a script.

const PARSERS = ["Document parseHTMLUnsafe", "DOMParser parseFromString"];

if (window.trustedTypes) {
  trustedTypes.createPolicy("default", {
    createHTML: (text, type, sink) => (PARSERS.includes(sink) ? text : null),
  });
}

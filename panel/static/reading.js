"use strict";
// What a script of a page reads from the API.

// What is said at a path, with its tag; null where nobody answers, where it is as the tag knows it, and where the answer
// breaks off, as it does when the page is left meanwhile.
async function readJson(path, tag = "") {
  try {
    const answer = await fetch(path, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.status !== 200) return null;
    return { said: await answer.json(), tag: answer.headers.get("ETag") || "" };
  } catch {
    return null;
  }
}

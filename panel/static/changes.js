"use strict";
// What changed since this browser was here last. When that was is kept in the browser, and nowhere else.

(() => {
  const LAST_VISIT = "skep-last-visit"; // for the next visit
  const THIS_VISIT = "skep-this-visit"; // since when this one tells; a reload does not begin a new one
  const AWAY_S = 300; // a tab that was hidden for so long comes back to a new visit
  const LEAST_S = 30; // after less there is nothing worth telling
  const nowSeconds = () => Math.floor(Date.now() / 1000);

  function sinceWhen() {
    const kept = Number(sessionStorage.getItem(THIS_VISIT));
    if (kept) return kept;
    const last = Number(localStorage.getItem(LAST_VISIT));
    if (last) sessionStorage.setItem(THIS_VISIT, String(last));
    return last;
  }

  function item(...parts) {
    const found = document.createElement("li");
    found.append(...parts);
    return found;
  }

  function strong(text) {
    const found = document.createElement("bdi");
    found.className = "id";
    found.textContent = text;
    return found;
  }

  async function tellChanges() {
    const since = sinceWhen();
    if (!since || nowSeconds() - since < LEAST_S) return;
    const { said: found } = (await readJson(`/api/v1/changes?since=${since}`)) || {};
    if (!found) return;
    document.getElementById("changes-since").textContent = new Date(found.since * 1000).toLocaleString(undefined, CLOCK);
    document.getElementById("changes-sentence").textContent = found.sentence;
    document.getElementById("changes-list").replaceChildren(
      ...found.failed.map((each) => item(strong(each.id), ` failed: ${each.reason}`)),
      ...found.daemon.map((each) => item(`${new Date(each.at).toLocaleString(undefined, CLOCK)}: ${each.told}`)),
    );
    document.getElementById("changes").hidden = false;
  }

  function leave() {
    localStorage.setItem(LAST_VISIT, String(nowSeconds()));
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      leave();
      return;
    }
    const last = Number(localStorage.getItem(LAST_VISIT));
    if (last && nowSeconds() - last > AWAY_S) sessionStorage.setItem(THIS_VISIT, String(last));
    tellChanges();
  });
  addEventListener("pagehide", leave);
  tellChanges();
})();

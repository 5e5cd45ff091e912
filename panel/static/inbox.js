"use strict";
// Answering by keyboard, and several at once. What is on the screen may change at any moment, so everything here goes by
// a decision's id and the digest of the bytes that were shown, never by its place.

(() => {
  const bulk = document.getElementById("bulk");
  const bulkAsk = document.getElementById("bulk-ask");
  const picked = new Map(); // id -> the decision as it was shown when it was picked
  const comment = document.getElementById("bulk-comment");
  let asked = null;
  let currentId = "";
  let currentPlace = 0;

  const cards = () => [...document.querySelectorAll(".decision")];
  const cardOf = (id) => cards().find((card) => card.dataset.id === id);

  function show(card) {
    for (const other of cards()) other.removeAttribute("aria-current");
    if (!card) return;
    card.setAttribute("aria-current", "true");
    currentId = card.dataset.id;
    currentPlace = cards().indexOf(card);
  }

  function go(card) {
    if (!card) return;
    show(card);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = cards();
    const place = cardOf(currentId) ? currentPlace + step : Math.min(currentPlace, all.length - 1);
    go(all[Math.max(0, Math.min(place, all.length - 1))]);
  }

  // The question comes up with the focus where the key points: on the answer, or on the words that go with it.
  function press(option) {
    const card = cardOf(currentId);
    if (!card) return;
    const button = document.getElementById(`${card.dataset[option]}-${card.dataset.id}`);
    if (!button) return; // it has no such answer
    button.click();
    const dialog = document.getElementById("ask");
    if (dialog.open && !button.dataset.reason) document.getElementById("ask-yes").focus();
  }

  function isTyping(target) {
    if (document.querySelector("dialog[open]")) return true;
    return target.closest("textarea, select, [contenteditable], input:not([type=checkbox])") !== null;
  }

  const KEYS = {
    j: () => move(1),
    k: () => move(-1),
    a: () => press("yes"),
    r: () => press("no"),
    x: () => pick(cardOf(currentId)),
    y: () => document.getElementById("bulk-yes").click(),
    n: () => document.getElementById("bulk-no").click(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (!(event.key in KEYS) || isTyping(event.target) || !bulk) return;
    event.preventDefault();
    if (!currentId && "jarx".includes(event.key)) go(cards()[0]);
    else KEYS[event.key]();
  });

  function pick(card) {
    if (!card) return;
    const box = card.querySelector(".pick input");
    box.checked = !box.checked;
    note(card, box.checked);
  }

  function note(card, isPicked) {
    const { id, digest, yes, no, yesLabel, noLabel } = card.dataset;
    const question = card.querySelector("h2").textContent;
    if (isPicked) picked.set(id, { id, digest, yes, no, labels: { yes: yesLabel, no: noLabel }, question });
    else picked.delete(id);
    tellPicked();
  }

  function tellPicked() {
    document.getElementById("bulk-count").textContent = picked.size ? `${picked.size} selected` : "None selected";
    for (const id of ["bulk-yes", "bulk-no"]) document.getElementById(id).disabled = !picked.size;
  }

  function settle() {
    if (!bulk) return;
    for (const [id, shown] of picked) {
      const card = cardOf(id);
      if (!card || card.dataset.digest !== shown.digest) picked.delete(id);
      else card.querySelector(".pick input").checked = true;
    }
    tellPicked();
    if (cardOf(currentId)) show(cardOf(currentId));
    else if (currentId && !document.querySelector("dialog[open]")) goWhereItWas();
  }

  // What had the focus may be gone by the time that it is to have it back: then it goes to what stands there now.
  function goWhereItWas() {
    const at = document.activeElement; // what has closed keeps the focus until the page is drawn
    if (at !== document.body && !bulkAsk.contains(at)) return;
    const card = cardOf(currentId) || cards()[Math.min(currentPlace, cards().length - 1)];
    if (card) {
      go(card);
      return;
    }
    const part = document.getElementById("live");
    part.tabIndex = -1;
    part.focus({ preventScroll: true });
  }

  function ask(option) {
    const all = [...picked.values()];
    // What the question lists is what is sent, whatever becomes of the page meanwhile.
    asked = { option, decisions: all.map((each) => ({ decision: each.id, answer: each[option], digest: each.digest })) };
    document.getElementById("bulk-what").textContent =
      `Say ${option} to ${all.length === 1 ? "this decision" : `these ${all.length} decisions`}? Each answer counts as if you had given it alone.`;
    const list = document.getElementById("bulk-list");
    list.replaceChildren(...all.map((each) => {
      const item = document.createElement("li");
      const answer = document.createElement("b");
      answer.textContent = each.labels[option];
      item.append(answer, `: ${each.question}`);
      return item;
    }));
    // Words belong to the decisions they were written about, and to no other batch.
    asked.about = `${option} to ${all.map((each) => each.id).sort().join(" ")}`;
    comment.value = keptWordsOf(asked.about);
    bulkAsk.showModal();
    document.getElementById("bulk-leave").focus();
  }

  async function send() {
    const { decisions, about } = asked;
    const words = comment.value.trim();
    bulkAsk.close();
    const headers = { "Content-Type": "application/json", ...JSON.parse(document.body.getAttribute("hx-headers")) };
    try {
      const body = JSON.stringify({ decisions, comment: words || null });
      const answer = await fetch("/api/v1/decisions/answers", { method: "POST", headers, body });
      const said = await answer.json();
      const isTaken = answer.ok && !said.refused;
      tell(isTaken ? "told" : "trouble", said.message || said.detail);
      if (answer.ok) keepWords(about, "");
      if (words && !isTaken) showRefused(words);
    } catch {
      tell("trouble", "The panel does not answer.");
    }
    document.body.dispatchEvent(new Event("skep:pressed"));
  }

  if (bulk) {
    document.getElementById("bulk-all").addEventListener("click", () => {
      for (const card of cards()) {
        card.querySelector(".pick input").checked = true;
        note(card, true);
      }
    });
    document.getElementById("bulk-yes").addEventListener("click", () => ask("yes"));
    document.getElementById("bulk-no").addEventListener("click", () => ask("no"));
    document.getElementById("bulk-leave").addEventListener("click", () => bulkAsk.close());
    bulkAsk.addEventListener("close", goWhereItWas);
    document.getElementById("bulk-send").addEventListener("click", send);
    comment.addEventListener("input", () => keepWords(asked.about, comment.value));
    document.addEventListener("change", (event) => {
      if (event.target.closest(".pick")) note(event.target.closest(".decision"), event.target.checked);
    });
    document.addEventListener("focusin", (event) => {
      const card = event.target.closest(".decision");
      if (card) show(card);
    });
    document.addEventListener("htmx:afterSettle", settle);
  }
})();

"use strict";
// Forking a run: what would be done anew and what is kept is told while the form is filled in. And two runs compared.

(() => {
  const LOOK_AFTER_MS = 350;
  const form = document.getElementById("fork");
  const field = (name) => document.getElementById(`fork-${name}`);
  let timer = 0;
  let asking = null;
  let before = { task: "", prompt: "", model: "" }; // the step as it was asked for
  const written = new Set(); // fields in which the person has written since they were filled in: never written over

  function bodyOf() {
    const body = { task: field("task").value.trim() };
    const prompt = field("prompt").disabled ? "" : field("prompt").value;
    const model = field("model").disabled ? "" : field("model").value.trim();
    if (prompt.trim() && prompt !== before.prompt) body.prompt = prompt;
    if (model && model !== before.model) body.model = model;
    const strategy = field("strategy").value;
    const most = field("tokens").value;
    if (strategy || most) {
      body.context = {};
      if (strategy) body.context.strategy = strategy;
      if (most) body.context.max_tokens = Number(most);
      if (strategy === "keep_last_n") body.context.keep_last_n = Number(field("last").value) || 1;
    }
    return body;
  }

  function quoted(text) {
    return /^[\w:.@\/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  }

  function tellCommand(body) {
    const parts = ["skep run fork", form.dataset.run, "--task", quoted(body.task || "STEP")];
    if (body.model) parts.push("--model", quoted(body.model));
    if (body.prompt) parts.push("--prompt", "@FILE");
    if (body.context) parts.push("--context", quoted(JSON.stringify(body.context)));
    field("cli").textContent = seen(parts.join(" "));
  }

  function say(words, kind = "") {
    field("told").textContent = seen(words);
    field("told").dataset.kind = kind;
  }

  function listOf(title, part) {
    const box = make("div");
    box.append(make("h3", `${title}: ${part.count.toLocaleString()}`));
    const list = make("ul");
    for (const name of part.tasks) list.append(make("li", name));
    if (part.count > part.tasks.length) list.append(make("li", `and ${(part.count - part.tasks.length).toLocaleString()} more`));
    box.append(list);
    return box;
  }

  function blockedOf(blocked) {
    if (!blocked.length) return [];
    const words = blocked.map((each) => `${each.task}: ${each.reason}`);
    return [listOf("Would not run", { count: words.length, tasks: words })];
  }

  function sayForetold(said) {
    const told = `${said.anew.count} done anew, ${said.reused.count} kept. ${said.cost.text}`;
    if (said.blocked.length) say(`It can be forked; some of it would not run. ${told}`, "bad");
    else say(told, "good");
  }

  // Puts the step's own words where the person has not written any.
  async function readStep() {
    const name = field("task").value.trim();
    if (!name || name === before.task) return;
    const answer = await fetch(`${form.dataset.tasks}/${encodeURIComponent(name)}`).catch(() => null);
    if (!answer || !answer.ok || field("task").value.trim() !== name) return;
    const { asked } = await answer.json();
    if (before.task && written.has("prompt") && !mayDrop(name)) return;
    before = { task: name, prompt: asked.prompt || "", model: asked.model || "" };
    for (const each of ["prompt", "model"]) {
      if (!written.has(each)) field(each).value = before[each];
      field(each).disabled = asked.prompt === undefined;
    }
  }

  // Another step is named: what was written for the one before is dropped only if the person says so, and kept else.
  function mayDrop(name) {
    if (confirm(`Drop the prompt that you have written for ${before.task}, and take that of ${name}?`)) written.clear();
    else field("task").value = before.task;
    return !written.size;
  }

  async function look() {
    await readStep();
    tellCommand(bodyOf());
    asking = new AbortController();
    let answer;
    try {
      answer = await postJson(form.dataset.asks, bodyOf(), asking.signal);
    } catch {
      return; // something newer was written
    }
    const { ok, said } = answer;
    const isFine = ok && said.ok;
    field("go").disabled = !isFine;
    field("lists").replaceChildren(...(isFine ? [...blockedOf(said.blocked), listOf("Done anew", said.anew), listOf("Kept as they are", said.reused)] : []));
    if (isFine) sayForetold(said);
    else say(ok ? said.problem : said.detail, "bad");
  }

  function changed() {
    clearTimeout(timer);
    if (asking) asking.abort();
    field("go").disabled = true;
    field("last").closest("label").hidden = field("strategy").value !== "keep_last_n";
    tellCommand(bodyOf());
    if (field("task").value.trim()) timer = setTimeout(look, LOOK_AFTER_MS);
  }

  form.addEventListener("input", (event) => {
    const name = event.target.id.replace("fork-", "");
    if (["prompt", "model"].includes(name)) written[event.target.value ? "add" : "delete"](name);
    changed();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    field("go").disabled = true;
    const { ok, said } = await postJson(form.dataset.starts, bodyOf());
    if (ok) location.assign(`/runs/${encodeURIComponent(said.run.id)}`);
    else say(said.detail, "bad");
  });

  document.getElementById("compare-with").addEventListener("submit", (event) => {
    event.preventDefault();
    const other = document.getElementById("compare-other").value.trim();
    const [first, second] = [event.target.dataset.first, other].map(encodeURIComponent);
    if (other) location.assign(`/run/diff/${first}/${second}`);
  });
})();

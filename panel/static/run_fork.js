"use strict";
// Forking a run: what would be done anew and what is kept is told while the form is filled in. And two runs compared.

(() => {
  const LOOK_AFTER_MS = 350;
  const form = document.getElementById("fork");
  const field = (name) => document.getElementById(`fork-${name}`);
  let timer = 0;
  let asking = null;
  const WORDS = ["prompt", "model"];
  const UNREAD = { prompt: "", model: "", hasWords: true }; // a step of which nothing is known yet
  const steps = new Map(); // by name, as each was asked for; those that were read
  const offered = new Set([...document.querySelectorAll("#fork-steps option")].map((each) => each.value));
  // What a person wrote, by step: it stays with that step, and is there again when the step is. What is written while no
  // step is named goes to the first that is, unless something was written for it.
  const typed = new Map((keptDraft() || {}).typed || []);

  const named = () => field("task").value.trim();
  const ownerOf = (name) => (steps.has(name) || offered.has(name) ? name : "");

  function showWords() {
    const name = named();
    const { hasWords, ...own } = steps.get(name) || UNREAD;
    const mine = typed.get(ownerOf(name)) || {};
    for (const each of WORDS) {
      const words = hasWords ? mine[each] ?? own[each] : "";
      if (field(each).value !== words) field(each).value = words;
      field(each).disabled = !hasWords;
    }
  }

  function keep() {
    const isNothing = !typed.size && !named() && !field("strategy").value && !field("tokens").value;
    keepDraft(isNothing ? null : { fields: draftOf(form), typed: [...typed] });
  }

  function note(each, words) {
    const owner = ownerOf(named());
    const mine = { ...typed.get(owner), [each]: words };
    if (!words) delete mine[each];
    if (Object.keys(mine).length) typed.set(owner, mine);
    else typed.delete(owner);
  }

  function bodyOf() {
    const body = { task: named() };
    const before = steps.get(body.task) || UNREAD;
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

  function tellCommand(body) {
    const parts = ["skep run fork", form.dataset.run, "--task", shellQuoted(body.task || "STEP")];
    if (body.model) parts.push("--model", shellQuoted(body.model));
    if (body.prompt) parts.push("--prompt", "@FILE");
    if (body.context) parts.push("--context", shellQuoted(JSON.stringify(body.context)));
    showLine(field("cli"), seen(parts.join(" ")));
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
    const cost = `It costs ${said.cost.text.charAt(0).toLowerCase()}${said.cost.text.slice(1)}`;
    const told = `${said.anew.count} done anew, ${said.reused.count} kept. ${cost}`;
    if (said.blocked.length) say(`It can be forked; some of it would not run. ${told}`, "bad");
    else say(told, "good");
  }

  // Whether there is such a step. Asked of a name that is not offered, which most often is half written.
  async function isStep(name) {
    if (offered.has(name)) return true;
    const { ok, said } = await postJson(form.dataset.asks, { task: name });
    return ok && said.ok;
  }

  // Reads how the named step was asked for; its own words stand where the person has not written any.
  async function readStep(name) {
    if (steps.has(name) || !(await isStep(name))) return;
    const found = await readJson(`${form.dataset.tasks}/${encodeURIComponent(name)}`);
    if (!found || !found.said || !found.said.asked) return;
    const { asked } = found.said;
    steps.set(name, { prompt: asked.prompt || "", model: asked.model || "", hasWords: asked.prompt !== undefined });
    if (named() !== name) return;
    if (typed.has("") && !typed.has(name) && asked.prompt !== undefined) {
      typed.set(name, typed.get(""));
      typed.delete("");
    }
    showWords();
    keep();
  }

  // Of a step that has a prompt, an empty field is no wish to keep it.
  function isEmptied(name) {
    const own = steps.get(name);
    return Boolean(own && own.hasWords && own.prompt && isBlank(field("prompt").value));
  }

  async function look() {
    const name = named();
    await readStep(name);
    if (named() !== name) return; // another step was named meanwhile, and is looked at by itself
    tellCommand(bodyOf());
    if (isEmptied(name)) {
      field("lists").replaceChildren();
      say("Its prompt is empty. Write what the step is to do, or name the step anew to have its own words back.", "bad");
      return;
    }
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
    else say((ok ? said.problem : said.detail) || UNREAD_ANSWER, "bad");
  }

  function changed() {
    clearTimeout(timer);
    if (asking) asking.abort();
    field("go").disabled = true;
    field("last").closest("label").hidden = field("strategy").value !== "keep_last_n";
    tellCommand(bodyOf());
    if (named()) timer = setTimeout(look, LOOK_AFTER_MS);
  }

  form.addEventListener("input", (event) => {
    const name = event.target.id.replace("fork-", "");
    if (WORDS.includes(name)) note(name, event.target.value);
    else if (name === "task") showWords();
    keep();
    changed();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    field("go").disabled = true;
    const { ok, said } = await postJson(form.dataset.starts, bodyOf());
    if (!ok || !said.run) {
      say(said.detail || UNREAD_ANSWER, "bad");
      return;
    }
    keepDraft(null);
    location.assign(`/runs/${encodeURIComponent(said.run.id)}`);
  });

  const draft = keptDraft();
  if (draft) {
    restoreDraft(draft.fields, form);
    showWords();
    changed();
  }

  document.getElementById("compare-with").addEventListener("submit", (event) => {
    event.preventDefault();
    const other = document.getElementById("compare-other").value.trim();
    const [first, second] = [event.target.dataset.first, other].map(encodeURIComponent);
    if (other) location.assign(`/run/diff/${first}/${second}`);
  });
})();

"use strict";
// What would become of tasks, as the API tells it, as part of the page. Text is only ever text.

function showForetold(place, entries, isWhole) {
  const bad = entries.filter((entry) => entry.state === "refused");
  const good = entries.filter((entry) => entry.foretold);
  const shown = [...bad.slice(0, 50), ...good];
  place.replaceChildren(...shown.map((entry) => taskOf(entry, entries.length > 1)));
  if (bad.length > 50) place.append(make("p", `${bad.length - 50} more are refused.`));
  if (!isWhole) place.append(make("p", "The others keep the contract; what would happen is told of the first only."));
}

function taskOf(entry, hasPlace) {
  const box = make("article", "", `told-task ${lookOf(entry)}`);
  if (hasPlace) {
    const title = make("h3");
    title.append(make("bdi", entry.id ? `${entry.id} (${entry.where})` : entry.where));
    box.append(title);
  }
  const list = make("dl");
  for (const error of entry.errors) line(list, "Wrong", make("bdi", error.message));
  const told = entry.foretold;
  if (told && told.trouble) line(list, "Unknown", make("bdi", told.trouble));
  if (told && told.safety) line(list, "Safety", ...safetyOf(told.safety));
  if (told && told.route) line(list, "Tool", ...routeOf(told.route));
  if (told && told.plan) line(list, "Plan", ...planOf(told.plan));
  if (told && told.cost) line(list, "Cost", make("bdi", told.cost.text));
  for (const each of entry.notes || []) line(list, "Note", make("bdi", each));
  box.append(list);
  return box;
}

function lookOf(entry) {
  if (entry.state === "refused") return "refused";
  return isBlocked(entry) ? "blocked" : "good";
}

function isBlocked(entry) {
  return Boolean(entry.foretold && entry.foretold.safety && !entry.foretold.safety.allowed);
}

function line(list, name, ...parts) {
  const told = make("dd");
  told.append(...parts);
  list.append(make("dt", name), told);
}

function safetyOf(safety) {
  const parts = [];
  if (!safety.allowed) parts.push(make("b", "It would not run: "), make("bdi", safety.reason));
  else if (safety.needs_person) parts.push(make("b", "Allowed, once a person agrees to the exact command."));
  else parts.push(make("span", "Allowed."));
  if (safety.secrets) parts.push(make("span", ` ${safety.secrets} secrets are taken out before it is sent.`));
  if (safety.argv) parts.push(make("span", " Runs as "), code(safety.argv));
  for (const note of safety.notes) parts.push(make("br"), make("bdi", note));
  return parts;
}

function code(argv) {
  const made = make("code");
  made.append(make("bdi", argv.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : JSON.stringify(word))).join(" ")));
  return made;
}

function routeOf(route) {
  if (!route.tool) return [make("span", "None: "), make("bdi", route.reason)];
  const does = route.outcome === "run" ? " runs in place of a model" : " puts its text in front of the prompt";
  const parts = [make("b", route.tool), make("span", `${does} (${Math.round(route.confidence * 100)} % sure): `)];
  parts.push(make("bdi", route.reason));
  if (route.argv) parts.push(make("br"), code(route.argv));
  return parts;
}

function planOf(plan) {
  if (!plan.split) return [make("span", "Runs as one: "), make("bdi", plan.reason)];
  const parts = [make("span", `Split into ${plan.subtasks.length}; their answers are put together at the end.`)];
  const list = make("ul");
  for (const each of plan.subtasks) {
    const item = make("li");
    item.append(make("bdi", each.words));
    if (each.depends_on.length) {
      const after = each.depends_on.map((id) => plan.subtasks.findIndex((other) => other.id === id) + 1);
      item.append(make("small", ` (after ${after.join(", ")})`));
    }
    list.append(item);
  }
  const numbered = make("ol");
  numbered.append(...list.childNodes);
  return [...parts, numbered];
}

"use strict";
// The verdict on a text, rule by rule.

const verdict = document.getElementById("verdict");
const checker = document.getElementById("checker");

const NO_LINE = "No line can carry this text: it holds characters that a terminal hides or turns around. Check it here.";

// The line that asks the same in a terminal, of what is chosen and typed.
function tellLine() {
  const { mode, text } = checker.elements;
  const isCarried = seen(text.value) === text.value; // what a terminal hides or turns around would be another text
  document.getElementById("copy-check").hidden = !isCarried;
  showLine(document.getElementById("cli-check"), isCarried ? lineOf(mode.value, text.value) : NO_LINE);
}

function lineOf(mode, text) {
  if (text === "-") return `printf %s - | skep check --mode ${mode} -`; // it stands for what is read
  const dashes = text.startsWith("-") ? "-- " : "";
  return `skep check --mode ${mode} ${dashes}${text ? shellQuoted(text) : "'...'"}`;
}

checker.addEventListener("input", tellLine);
tellLine(); // a browser may bring back what was typed before

function line(sign, name, rule, reason) {
  const row = make("li", undefined, sign);
  row.append(make("b", { ok: "passed", bad: "refused", note: "noted" }[sign]), ` ${name}`);
  if (rule) row.append(" ", make("code", rule));
  const words = reason && reason.startsWith(`${rule}: `) ? reason.slice(rule.length + 2) : reason;
  if (words) row.append(" ", make("bdi", words));
  return row;
}

function show(told) {
  const checks = make("ul");
  for (const [name, one] of Object.entries(told.report.checks)) {
    checks.append(line(one.passed ? "ok" : "bad", name, one.rule, one.passed ? "" : one.reason));
  }
  for (const flag of told.report.flags) checks.append(line("note", flag.check, flag.rule, flag.reason));
  const head = make("p", told.allowed ? "Allowed." : "Refused.", told.allowed ? "sentence good" : "sentence bad");
  verdict.replaceChildren(head, checks);
  if (told.report.redacted) verdict.append(make("p", `${told.report.redacted} secrets are taken out before it is sent.`));
  if (told.argv) {
    const runs = make("p", "It would run: ");
    runs.append(make("code", JSON.stringify(told.argv)));
    verdict.append(runs);
  }
  const versions = Object.values(told.report.checks).map((one) => one.version);
  verdict.append(make("p", `By version ${seen(versions[0])} of the constitution.`, "muted"));
}

checker.addEventListener("skep:answer", (event) => {
  const { isFine, told } = event.detail;
  verdict.hidden = false;
  verdict.dataset.verdict = isFine ? (told.allowed ? "allowed" : "refused") : "none";
  if (isFine) show(told);
  else verdict.replaceChildren(make("p", told.detail, "bad"));
});

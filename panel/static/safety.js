"use strict";
// The verdict on a text, rule by rule.

const verdict = document.getElementById("verdict");

function line(sign, name, rule, reason) {
  const row = piece("li", undefined, sign);
  row.append(piece("b", { ok: "passed", bad: "refused", note: "noted" }[sign]), ` ${name}`);
  if (rule) row.append(" ", piece("code", plain(rule)));
  const words = reason && reason.startsWith(`${rule}: `) ? reason.slice(rule.length + 2) : reason;
  if (words) row.append(" ", piece("bdi", plain(words)));
  return row;
}

function show(told) {
  const checks = piece("ul");
  for (const [name, one] of Object.entries(told.report.checks)) {
    checks.append(line(one.passed ? "ok" : "bad", name, one.rule, one.passed ? "" : one.reason));
  }
  for (const flag of told.report.flags) checks.append(line("note", flag.check, flag.rule, flag.reason));
  const head = piece("p", told.allowed ? "Allowed." : "Refused.", told.allowed ? "sentence good" : "sentence bad");
  verdict.replaceChildren(head, checks);
  if (told.report.redacted) verdict.append(piece("p", `${told.report.redacted} secrets are taken out before it is sent.`));
  if (told.argv) {
    const runs = piece("p", "It would run: ");
    runs.append(piece("code", plain(JSON.stringify(told.argv))));
    verdict.append(runs);
  }
  const versions = Object.values(told.report.checks).map((one) => one.version);
  verdict.append(piece("p", `By version ${plain(versions[0])} of the constitution.`, "muted"));
}

document.getElementById("checker").addEventListener("skep:answer", (event) => {
  const { isFine, told } = event.detail;
  verdict.hidden = false;
  verdict.dataset.verdict = isFine ? (told.allowed ? "allowed" : "refused") : "none";
  if (isFine) show(told);
  else verdict.replaceChildren(piece("p", plain(told.detail), "bad"));
});

"use strict";
// The route of a request: the tool, what it would do, why, and the candidates with their scores.

const route = document.getElementById("route");
const DOES = { run: "It would run its command in place of a model.", context: "Its text would go in front of the prompt." };

function cell(tag, text, isNumber) {
  return make(tag, text, isNumber ? "number" : "");
}

function candidates(found) {
  const table = make("table", undefined, "sheet");
  const head = table.createTHead().insertRow();
  for (const [name, isNumber] of [["Candidate"], ["Confidence", true], ["Score", true], ["Shared words"]]) {
    const heading = cell("th", name, isNumber);
    heading.scope = "col";
    head.append(heading);
  }
  const body = table.createTBody();
  for (const each of found) {
    const name = cell("th");
    name.scope = "row";
    name.append(make("bdi", each.tool));
    body.insertRow().append(
      name, cell("td", each.confidence.toFixed(2), true), cell("td", each.score.toFixed(2), true), cell("td", each.shared.join(", ")),
    );
  }
  const region = make("div", undefined, "overflow-auto");
  region.tabIndex = 0;
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", "Candidates");
  region.append(table);
  return region;
}

function show(told) {
  const head = make("p", undefined, "sentence");
  head.append(told.tool ? "The tool " : "No tool", told.tool ? make("bdi", told.tool) : "", told.tool ? `, ${Math.round(told.confidence * 100)} % sure.` : ".");
  route.replaceChildren(head);
  if (DOES[told.outcome]) route.append(make("p", DOES[told.outcome]));
  if (told.argv) {
    const runs = make("p", "It would run: ");
    runs.append(make("code", JSON.stringify(told.argv)));
    route.append(runs);
  }
  if (told.profile) route.append(make("p", `It would run the profile ${seen(told.profile)}, given the text.`));
  const why = make("p", "Because: ");
  why.append(make("bdi", told.reason || "there are no tools"));
  route.append(why);
  if (told.candidates.length) route.append(candidates(told.candidates));
}

document.getElementById("router").addEventListener("skep:answer", (event) => {
  const { isFine, told } = event.detail;
  route.hidden = false;
  route.dataset.verdict = isFine ? (told.tool ? "allowed" : "other") : "none";
  if (isFine) show(told);
  else route.replaceChildren(make("p", told.detail, "bad"));
});

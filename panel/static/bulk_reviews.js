"use strict";
// What approving many tasks would let count: their results, which are read before anything is said yes to.

// Only results that were shown are approved, whatever fits the filter by then.
function approvalOf(said) {
  const decisions = Object.fromEntries(said.shown.map((each) => [each.id, each.decision]));
  return { action: "approve", ids: Object.keys(decisions), decisions, as_of: said.as_of };
}

function showResults(shown) {
  const list = document.getElementById("bulk-shown");
  list.hidden = !shown.length;
  list.replaceChildren(...shown.map((each) => {
    const item = make("li");
    const details = make("details");
    const summary = make("summary");
    details.open = true;
    summary.append(make("bdi", each.id));
    const about = make("div", "", "about");
    about.append(...shownAbout(each, `The result of ${each.id}`));
    if (!about.childElementCount) about.append(make("p", "It has no result."));
    details.append(summary, make("p", each.question), about);
    item.append(details);
    return item;
  }));
}

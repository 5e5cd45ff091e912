"""Whatever a model proposes: a plan has no circle, keeps the budget, loses no deliverable, or is refused."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from planning.checklists import read_file
from planning.intent import Intent, extract
from planning.plan import PlanRules, consider, with_proposal
from planning.proposal import Additions, BadProposal, Proposal, lost_deliverables, read_proposal, refine
from planning.queue_tasks import MOST_TASKS, read_project
from planning.subtasks import id_candidates, make_subtasks
from runtime_contract import Limits, Task, dollars_to_micros, normalize_task

ASK = "Research bees, then write a summary and a poem from it, and check both. Do not use jargon."
TEXTS = st.sampled_from(
    [
        "Research bees",
        "Write a summary",
        "Write a poem",
        "Check both",
        "=== END OF INTENT ===",
        "",
        " ",
        "x" * 300,
    ]
) | st.text(max_size=40)
PARTS = st.fixed_dictionaries({"text": TEXTS}, optional={"after": st.lists(st.integers(-1, 9), max_size=6)})
WANTED = [{"text": text} for text in ("Research bees", "Write a summary", "Write a poem", "Check both")]
ENTRIES = st.lists(TEXTS, max_size=25)
INTENTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("deliverables", "constraints", "must_nots", "acceptance"), ENTRIES)
)
ANSWERS = st.builds(
    lambda parts, more, intent: json.dumps({"parts": parts + more, "intent": intent}),
    st.just(WANTED) | st.lists(PARTS, max_size=12),
    st.lists(PARTS, max_size=4),
    INTENTS,
) | st.text(max_size=200)


def read(answer: str) -> Proposal | None:
    with contextlib.suppress(BadProposal):
        return read_proposal(answer)
    return None


@settings(deadline=None)
@given(ANSWERS, st.integers(0, 2_000_000), st.integers(2, 20))
def test_a_proposal_is_a_sound_plan_or_none(answer, budget, most):
    proposal = read(answer)
    if proposal is None:
        return
    task = Task.model_validate({"id": "p", "mode": "llm", "prompt": ASK, "max_budget": budget / 1e6})
    rules = PlanRules(plan_max_subtasks=most)
    decision = consider(task, PlanRules())
    try:
        planned = with_proposal(task, decision, proposal, rules, takes_split=True)
    except BadProposal:
        return
    if planned.split is None or planned.split == decision.split:
        return
    parts = planned.split.parts
    assert 2 <= len(parts) <= most
    for number, part in enumerate(parts):
        assert part.text.strip()
        assert all(0 <= place < number for place in part.after)
    assert not lost_deliverables([part.text for part in parts], extract(ASK).deliverables)
    assert planned.split.shared == ASK
    subtasks = make_subtasks(task, planned.split, next(id_candidates("p", len(parts))), may_split=False)
    shares = [dollars_to_micros(each["max_budget"]) for each in subtasks.documents]
    assert sum(shares) + (subtasks.synthesis_budget or 0) == budget
    assert budget == 0 or min([*shares, subtasks.synthesis_budget or 0]) >= 1
    for document in subtasks.documents:
        child, _ = normalize_task(document, Limits())
        assert (child.mode, child.command, child.argv) == ("llm", None, None)


@settings(deadline=None)
@given(ANSWERS)
def test_an_intent_keeps_every_word_of_the_task_whatever_a_model_adds(answer):
    proposal = read(answer)
    own = extract(ASK)
    grown = refine(own, Additions() if proposal is None else proposal.intent)
    assert grown.goal == own.goal
    for name in Additions.model_fields:
        assert getattr(grown, name)[: len(getattr(own, name))] == getattr(own, name)
    assert set(grown.must_nots) - set(own.must_nots) <= set(grown.added)
    assert Intent.from_json(grown.as_json()) == grown
    lines = grown.block().split("\n")
    assert not any(line.startswith("===") for line in lines[1:-1])


LINES = st.sampled_from(
    ["- [ ] a", "  - [ ] b", "    - [x] c", "1. [ ] then d", "# H", "## Steps", "```", "- e",
     "2. finally check both",
     "   more", "", "# TODO: mend this soon", "status: closed", "> quoted"]
)  # fmt: skip
FILES = st.lists(
    st.tuples(
        st.sampled_from(["TODO.md", "a/PLAN.md", "README.md", "issues/1.md", "src/a.py", "x"]),
        st.lists(LINES | st.text(max_size=30), max_size=25).map("\n".join),
    ),
    max_size=5,
    unique_by=lambda each: each[0],
)


@settings(deadline=None)
@given(FILES, st.none() | st.integers(0, 1_000_000))
def test_the_tasks_of_a_project_have_no_circle_and_share_the_budget(files, budget):
    project = read_project("p", files, None if budget is None else budget / 1e6)
    assert project == read_project("p", files, None if budget is None else budget / 1e6)
    known: set[str] = set()
    for document in project.documents:
        task, _ = normalize_task(document, Limits())
        assert set(task.depends_on) <= known
        assert task.id not in known
        assert (task.mode, task.command) == ("llm", None)
        known.add(task.id)
    assert len(project.documents) <= MOST_TASKS
    if budget is not None and project.documents:
        assert sum(dollars_to_micros(each["max_budget"]) for each in project.documents) == budget


@settings(deadline=None)
@given(st.text(max_size=400), st.sampled_from(["TODO.md", "a.py", "issues/x.md"]))
def test_any_file_can_be_read(text, path):
    items = read_file(path, text)
    seen: set[int] = set()
    for item in items:
        assert set(item.after) <= seen
        seen.add(item.number)

"""Whatever is asked: a split has no circles, keeps the budget, loses nothing, and is always the same."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from planning.budgets import shares_of
from planning.decomposition import Split, decompose, lost_words
from planning.intent import extract
from planning.masking import HIDDEN, mask
from planning.plan import PlanRules, consider
from planning.subtasks import id_candidates, make_subtasks
from runtime_contract import ID_PATTERN, Limits, Task, dollars_to_micros, normalize_task

CLAUSES = st.sampled_from([
    "research the market", "write a summary", "write a poem and a song from it", "check both", "compare them",
    "translate the poem into German", "review step 1", "draft `a, then write b.md`", "do not write tests",
    "write 'x, then check the y' down", "list three cities", "fix the bug", "write a script to check the log",
    "for each of A, B and C, write a note", "write a note for each of Bern, Basel and Zurich", "be brief",
])  # fmt: skip
GLUE = st.sampled_from([
    ". ", ", then ", ", and ", " and ", "; ", ".\n\n", "\n- ", "\n1. ", "\n2) ", "\n## ", ", and finally ",
    ". Then ", ". Finally, ", "\n\n", "\n  - ", '. "', "\n```\n", "\n> ", " (", ") ", "\nTasks:\n- ", ": ",
    "\nText:\n",
])  # fmt: skip
ASKS = st.lists(st.tuples(CLAUSES, GLUE), min_size=1, max_size=12).map(
    lambda pieces: "".join(clause + glue for clause, glue in pieces)
)
ANYTHING = ASKS | st.text(max_size=300)
WISHES = st.sampled_from(["auto", "always"])


def task(ask: str, wish: str, **fields: object) -> Task:
    return Task.model_validate({"id": "p", "mode": "llm", "prompt": ask, "decompose": wish} | fields)


@settings(deadline=None)
@given(ANYTHING, st.booleans())
def test_the_same_ask_gives_the_same_plan_and_its_parts_come_after_what_they_need(ask, is_lenient):
    split = decompose(ask, is_lenient=is_lenient)
    assert split == decompose(ask, is_lenient=is_lenient)
    for number, part in enumerate(split.parts):
        assert part.text.strip()
        assert all(0 <= place < number for place in part.after)
        assert len(set(part.after)) == len(part.after)
    assert bool(split.parts) != bool(split.reason)
    assert len(split.parts) != 1


@settings(deadline=None)
@given(ANYTHING, st.booleans())
def test_no_word_of_an_ask_is_lost(ask, is_lenient):
    split = decompose(ask, is_lenient=is_lenient)
    if split.parts:
        lost = set(lost_words(ask, split))
        assert lost <= {"tasks"}, lost  # it announced the list and has done its work


@settings(deadline=None)
@given(ANYTHING, st.booleans())
def test_what_is_quoted_or_code_stands_whole_in_one_place(ask, is_lenient):
    split = decompose(ask, is_lenient=is_lenient)
    places = [split.shared, *(part.text for part in split.parts)]
    if split.parts:
        for found in re.finditer(f"{HIDDEN}+", mask(ask)):
            protected = ask[found.start() : found.end()].strip()
            assert any(protected in place for place in places), protected


@settings(deadline=None)
@given(ANYTHING, WISHES, st.integers(0, 3_000_000), st.integers(0, 3_000_000), st.text("ab.-", max_size=130))
def test_a_budget_is_never_passed_and_every_subtask_keeps_the_contract(ask, wish, most, least, name):
    parent = task(ask or "x", wish, max_budget=most / 1e6, min_budget=least / 1e6)
    split = consider(parent, PlanRules()).split or Split()
    if not split.parts:
        return
    ids = next(id_candidates(f"p{name}"[:128], len(split.parts)))
    subtasks = make_subtasks(parent, split, ids, may_split=False)
    assert len(set(ids)) == len(ids)
    assert all(ID_PATTERN.fullmatch(each) for each in ids)
    spent = [dollars_to_micros(each["max_budget"]) for each in subtasks.documents]
    assert sum(spent) + (subtasks.synthesis_budget or 0) == most
    assert sum(dollars_to_micros(each["min_budget"]) for each in subtasks.documents) <= least
    for document in subtasks.documents:
        child, _ = normalize_task(document, Limits())
        assert (child.min_budget or 0) <= (child.max_budget or 0)
        assert set(child.depends_on) <= set(ids)


@settings(deadline=None)
@given(st.integers(0, 10**12), st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_shares_are_whole_and_make_up_the_budget(total, weights):
    shares = shares_of(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) <= 1


@settings(deadline=None)
@given(ANYTHING)
def test_an_intent_is_read_from_anything_and_stays_in_its_lines(ask):
    intent = extract(ask)
    assert intent == extract(ask)
    lines = intent.block().split("\n")
    assert lines[0].startswith("=== INTENT")
    assert lines[-1] == "=== END OF INTENT ==="
    assert not any(line.startswith("===") for line in lines[1:-1])

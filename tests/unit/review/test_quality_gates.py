"""Where a judged result stands before its gates, and which way leads where."""

from __future__ import annotations

import itertools

import pytest

from review.quality_gates import GATES, TRANSITIONS, gate_named, gates_of, status_of, vote_of

STATES = ["none", "ready", "running", "approved", "failed"]


@pytest.mark.parametrize(
    ("unit", "integration", "e2e", "status"),
    [
        ([], [], [], "needs_qa"),
        (["ready"], [], [], "needs_qa"),
        (["running"], [], [], "qa_in_progress"),
        (["approved"], [], [], "needs_integration"),
        (["approved", "running"], [], [], "qa_in_progress"),
        (["approved"], ["approved"], [], "needs_e2e"),
        (["approved"], ["approved"], ["approved"], "ready_for_merge"),
        (["approved"], ["failed"], [], "blocked"),
        (["cancelled"], [], [], "blocked"),
    ],
)
def test_an_approved_result_goes_from_gate_to_gate(unit, integration, e2e, status):
    gates = gates_of({"unit": unit, "integration": integration, "e2e": e2e})
    assert status_of("approved", gates, is_tested="running" in unit) == status


def test_what_is_not_approved_passes_no_gate():
    gates = gates_of({name: ["approved"] for name in GATES})
    assert status_of(vote_of("review"), gates, is_tested=False) == "pending_vote"
    assert status_of(vote_of("failed"), gates, is_tested=False) == "rejected"


def test_one_step_of_one_gate_is_always_an_allowed_way():
    def told(states):
        named = {name: [] if state == "none" else [state] for name, state in zip(GATES, states, strict=True)}
        return status_of("approved", gates_of(named), is_tested=states[0] == "running")

    for before in itertools.product(STATES, repeat=3):
        for place, after in itertools.product(range(3), STATES):
            step = {before[place], after}
            in_order = all(state == "approved" for state in before[:place])
            later_untouched = all(state in {"none", "ready"} for state in before[place + 1 :])
            if not (in_order and later_untouched) or after == "none" or step == {"approved", "failed"}:
                continue
            if before[place] == "approved":  # a gate that was passed is not taken back
                continue
            then = (*before[:place], after, *before[place + 1 :])
            old, new = told(before), told(then)
            assert old == new or new in TRANSITIONS[old], (before, then, old, new)


def test_a_gate_is_named_by_its_tag():
    assert gate_named(["fast", "gate:unit"]) == "unit"
    assert gate_named(["gate:moon"]) is None
    assert gate_named(None) is None

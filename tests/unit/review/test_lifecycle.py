"""What follows from a verdict."""

from __future__ import annotations

from typing import Any

import pytest

from attempts import AttemptPolicy
from outcome import Outcome, Verdict
from review.lifecycle import Next, decide
from runtime_contract import Limits, normalize_task

POLICY = AttemptPolicy(max_attempts=3, max_attempts_local=1)


def next_of(decision: Any, judged: int = 1, status: Any = "completed", **fields: Any) -> Next:
    work = {} if "command" in fields else {"prompt": "x"}
    task, _ = normalize_task({"id": "t", **work, **fields}, Limits())
    outcome = Outcome(status=status, task_id="t", lease=1, mode=task.mode, started_at=1, ended_at=2)
    return decide(task, outcome, Verdict(decision=decision, confidence=0.9), judged, POLICY)


@pytest.mark.parametrize(
    ("decision", "judged", "fields", "follows"),
    [
        ("APPROVE", 1, {}, Next.APPROVE),
        ("APPROVE", 9, {}, Next.APPROVE),
        ("APPROVE", 1, {"review": "none"}, Next.APPROVE),
        ("APPROVE", 1, {"review": "critic"}, Next.APPROVE),
        ("APPROVE", 1, {"review": "human"}, Next.HOLD),
        ("HELD", 1, {}, Next.HOLD),
        ("HELD", 9, {"review": "human"}, Next.HOLD),
        ("REJECT", 1, {}, Next.REQUEUE),
        ("REJECT", 2, {}, Next.REQUEUE),
        ("REJECT", 3, {}, Next.FAIL),
        ("REJECT", 4, {}, Next.FAIL),
        ("REJECT", 1, {"review": "human"}, Next.REQUEUE),
        ("REJECT", 1, {"max_attempts": 1}, Next.FAIL),
        ("REJECT", 3, {"max_attempts": 4}, Next.REQUEUE),
        ("REJECT", 1, {"command": "x"}, Next.FAIL),
        ("REJECT", 1, {"command": "x", "max_attempts": 2}, Next.REQUEUE),
        ("REJECT", 2, {"command": "x", "max_attempts": 2}, Next.FAIL),
    ],
)
def test_what_becomes_of_a_judged_task(decision, judged, fields, follows):
    assert next_of(decision, judged, **fields) is follows


@pytest.mark.parametrize("review", ["auto", "critic", "human", "none"])
@pytest.mark.parametrize("decision", ["APPROVE", "HELD", "REJECT"])
@pytest.mark.parametrize("status", ["failed", "cancelled", "safety_blocked"])
def test_nothing_that_failed_is_approved_or_held_whatever_anyone_says(review, decision, status):
    assert next_of(decision, 1, status, review=review) is Next.REQUEUE
    assert next_of(decision, 3, status, review=review) is Next.FAIL

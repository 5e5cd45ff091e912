"""A plan or a set of tasks that waits for a word is shown whole, what all of it shares once."""

from __future__ import annotations

import json
from typing import Any

from panel import task_views

SHARED = "We sell bread.\n\nYour part of this, and only this:\n"


def about(kind: str, payload: dict[str, Any]) -> str:
    row = {
        "id": "d",
        "task_id": None,
        "deadline": None,
        "rank": 1,
        "kind": kind,
        "question": "?",
        "options": "[]",
        "digest": "d",
        "payload": json.dumps(payload),
    }
    told: str = task_views.decision_of(row, 0.0)["about"]  # type: ignore[arg-type]
    return told


def test_a_plan_tells_every_subtask_and_what_they_share_once():
    subtasks = [
        {"id": "p.1", "prompt": f"{SHARED}Write a menu", "max_budget": 0.01},
        {"id": "p.2", "prompt": f"{SHARED}Check the menu", "depends_on": ["p.1"]},
    ]
    assert about("plan", {"subtasks": subtasks}) == (
        "We sell bread.\n\nYour part of this, and only this:\n\n"
        "p.1 $0.010000\nWrite a menu\n\np.2 (after p.1)\nCheck the menu"
    )


def test_proposed_tasks_are_told_and_too_many_are_cut_with_a_word():
    assert about("proposal", {"tasks": [{"id": "a", "prompt": "Mend it"}]}) == "a\nMend it"
    many = [{"id": f"t-{number}", "prompt": "x" * 3_000} for number in range(200)]
    assert "more characters: skep status --json]" in about("proposal", {"tasks": many})


def test_a_removal_tells_every_task_and_other_questions_have_nothing_more_to_tell():
    assert about("removal", {"ids": ["a", "b"]}) == "a\nb"
    assert about("recovery", {"lost": []}) == ""

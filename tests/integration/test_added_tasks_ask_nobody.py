"""What an answer asks for stops the run at no person: not for money, and not for a review."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import host_platform
from runs.asked_for import Rights, screened
from settings import Home, Settings
from store.claims import Claimant
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.new_home import put_database
from testing.paid_runs import MODEL, PaidRuns
from testing.timed_slots import Deed


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PaidRuns]:
    """Each attempt uses half of the 100 micro-dollars it may cost; to ask a person fails a test."""
    home, clock = Home(tmp_path), FakeClock()
    with SqliteStore(put_database(home), Settings(), clock) as store:
        rig = PaidRuns(store, Claimant("w", host_platform.this_process(), 60.0), clock)
        rig.person = lambda asked: pytest.fail(f"a person is asked about {asked.limit}")
        yield rig


def block(**more: Any) -> str:
    entry = {"id": "n", "prompt": "x", **more}
    return f"x\n```skep-tasks\n{json.dumps({'tasks': [entry]})}\n```"


@pytest.mark.parametrize(
    ("more", "limit"),
    [
        ({"budget": 0.00001}, "task:r:n"),
        ({"subtree_budget": 0.00001}, "subtree:r:n"),
        ({"subtree_budget": 0.00001, "repeat": {"until": {"of": "{{output}}", "test": "contains",
                                                          "value": "y"}}}, "subtree:r:n"),
    ],
)  # fmt: skip
def test_a_limit_that_an_answer_set_fails_its_task_without_a_question(rig, more, limit) -> None:
    rig.deeds = lambda name, attempt: Deed(micros=50)
    rig.work = lambda name: block(**more) if name == "p" else "x"
    asker = {"id": "p", "model": MODEL, "max_tokens": 100, "prompt": "x", "may_add": True}
    told = rig.go(rig.start(id="r", policy={"on_failure": "continue"}, tasks=[asker]))

    assert told["state"] == "failed"
    assert told["tasks"]["n"]["error"]["code"] == "budget_exceeded"
    assert f"`skep budget add 1.00 --limit {limit}`" in told["tasks"]["n"]["error"]["message"]
    assert rig.store.reader.all("open_budget_decisions") == []


@pytest.mark.parametrize(
    ("own", "more", "told"),
    [
        ("auto", {"review": "critic"}, "tasks[0].review: critic is stricter than the auto of the task"),
        ("critic", {"review": "auto"}, "tasks[0].review: auto is milder than the critic of the task"),
        ("auto", {"effect": "unsafe"}, "tasks[0].effect: only a request can say"),
        ("human", {"effect": "idempotent"}, "tasks[0].effect: only a request can say"),
    ],
)
def test_an_answer_names_no_stricter_review_and_no_effect(own: str, more: Any, told: str) -> None:
    found = screened([{"id": "n", "prompt": "x", **more}], Rights(review=own), {}, ())

    assert found.tasks == {}
    assert found.refused[0].reason.startswith(told)

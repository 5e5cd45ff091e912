"""A person gives a limit of a run no more: what it cannot pay fails, and says how to go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import host_platform
from road.holding import look_at
from settings import Home, Settings
from store import budgets, run_steering, top_ups
from store.answering import Answer
from store.budgets import Account, Reservation
from store.claims import Claimant
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.new_home import put_database
from testing.paid_runs import MODEL, Asked, PaidRuns
from testing.timed_slots import Deed


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PaidRuns]:
    """The person there says no; each attempt uses half of its worst case."""
    home, clock = Home(tmp_path), FakeClock()
    with SqliteStore(put_database(home), Settings(), clock) as store:
        rig = PaidRuns(store, Claimant("w", host_platform.this_process(), 60.0), clock)
        rig.deeds = lambda name, attempt: Deed(micros=50)
        yield rig


def task(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "model": MODEL, "max_tokens": 100, "prompt": "x", **more}


def start(rig: PaidRuns, *tasks: dict[str, Any], micros: int = 120, **policy: Any) -> None:
    limit = {"budget_limit": {"amount": micros / 1e6}}
    rig.start(id="r", policy=limit | {"on_failure": "continue"} | policy, tasks=[*tasks])


def states(told: dict[str, Any]) -> dict[str, str]:
    return {name: one["state"] for name, one in told["tasks"].items()}


def test_what_the_limit_cannot_pay_fails_and_the_rest_is_done(rig: PaidRuns) -> None:
    start(rig, task("a"), task("b"), task("c", deps=["b"]), task("d", max_tokens=60))

    told = rig.go("r")

    assert states(told) == {"a": "completed", "b": "failed", "c": "skipped", "d": "completed"}
    assert told["error"]["code"] == told["tasks"]["b"]["error"]["code"] == "budget_exceeded"
    assert told["tasks"]["b"]["error"]["message"] == (
        "budget run r $0.00012 reached (spent $0.0001, needs $0.0001); you said no to more; to go on: "
        "`skep budget add 1.00 --limit run:r`, then `skep run resume r`"
    )


def test_with_more_for_the_limit_the_run_goes_on_where_it_was(rig: PaidRuns) -> None:
    start(rig, task("a"), task("b"), on_failure="fail_fast")
    assert rig.go("r")["state"] == "failed"

    rig.store.write(lambda tx: top_ups.add(tx, "run:r", 1_000, "you"))
    rig.store.write(lambda tx: run_steering.resume(tx, "r", "you"))

    assert (rig.go("r")["state"], rig.shown("r")["tasks"]["a"]["attempts"]) == ("completed", 1)


def test_a_task_comes_late_to_a_limit_that_gets_no_more_and_nobody_is_asked_again(rig: PaidRuns) -> None:
    start(rig, task("a", max_tokens=200), task("b"), task("c", deps=["b"]))

    assert states(rig.go("r")) == {"a": "failed", "b": "completed", "c": "failed"}
    assert len(rig.store.reader.all("answered_before", before=2**62, limit=9)) == 1


def test_a_task_whose_own_budget_gets_no_more_fails_alone(rig: PaidRuns) -> None:
    start(rig, task("a", budget=0.00008), task("b"), micros=1_000)

    told = rig.go("r")

    assert states(told) == {"a": "failed", "b": "completed"}
    assert "--limit task:r:a`, then `skep run resume r`" in told["tasks"]["a"]["error"]["message"]


def test_what_calls_under_way_may_still_help_goes_on_waiting(rig: PaidRuns) -> None:
    tasks = [task("a"), task("b"), task("dear", max_tokens=200)]
    start(rig, *tasks, micros=150, max_parallelism=3)
    rig.claim()
    (question,) = rig.store.reader.decisions()
    rig.store.answer(Answer(question["id"], "no", "you"))
    rig.holding.look()

    assert states(rig.shown("r")) == {"a": "running", "b": "pending", "dear": "failed"}
    assert states(rig.go("r")) == {"a": "completed", "b": "completed", "dear": "failed"}


def test_the_question_and_the_answer_say_what_a_no_means(rig: PaidRuns) -> None:
    start(rig, task("a"), micros=80)
    rig.claim()
    (question,) = rig.store.reader.decisions()

    told = rig.store.answer(Answer(question["id"], "no", "you"))

    assert "or nothing (no), and it fails?" in question["question"]
    assert told == "The budget run:r gets no more; what it cannot pay of its run fails."
    assert [row["id"] for _, row in look_at(rig.store.reader, rig.clock.now()).fail] == ["r:a"]


def spend(store: SqliteStore, call: str, micros: int) -> None:
    account = Account("task", "r:a")
    wanted = Reservation(call, "r:a", 1, MODEL, "test", [account], 1_000)
    store.write(lambda tx: budgets.enter(tx, wanted))
    store.write(lambda tx: budgets.book(tx, call, micros))


def warnings(store: SqliteStore) -> list[tuple[str, str, int]]:
    told = [json.loads(row["data"]) for row in store.reader.events() if row["event"] == "budget.warning"]
    return [(each["budget"], each["run_id"], each["percent"]) for each in told]


def test_each_share_of_a_tasks_own_budget_is_warned_of_once_also_after_a_restart(rig: PaidRuns) -> None:
    start(rig, task("a", budget=0.001), task("b"), micros=100_000)
    spend(rig.store, "one", 450)
    spend(rig.store, "two", 100)

    with SqliteStore(rig.store.home, Settings(), rig.clock) as again:
        spend(again, "three", 300)
        spend(again, "four", 100)
        spend(again, "five", 50)

    assert warnings(rig.store) == [("task:r:a", "r", at) for at in (50, 80, 100)]


def test_no_share_is_told_of_a_task_without_a_budget_of_its_own(rig: PaidRuns) -> None:
    start(rig, task("a"), micros=100_000)
    spend(rig.store, "one", 900)

    assert warnings(rig.store) == []


def test_who_adds_too_little_is_asked_again_for_what_is_still_missing(rig: PaidRuns) -> None:
    asked, answers = list[int](), iter([30, 50])

    def person(about: Asked) -> int:
        asked.append(about.needed)
        return next(answers)

    rig.person = person
    start(rig, task("a", max_tokens=200))

    assert (rig.go("r")["state"], asked) == ("completed", [80, 50])

"""What runs within a run pay counts against the budget of the task that they stem from, on both roads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import host_platform
from run_contract.policy import RunPolicy
from run_contract.records import Condition, InnerRun, Repeat, RunTask, TaskInput
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from settings import Home, Settings
from store import subtree_budgets
from store.budgets import Account, balance_of
from store.claims import Claimant
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.new_home import put_database
from testing.paid_runs import CATALOG, MODEL, PaidRuns
from testing.timed_slots import Deed, TimedSlots

MICROS = {"x": 30, "b": 7}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PaidRuns]:
    home, clock = Home(tmp_path), FakeClock()
    with SqliteStore(put_database(home), Settings(), clock) as store:
        rig = PaidRuns(store, Claimant("w", host_platform.this_process(), 60.0), clock)
        rig.deeds = deed
        yield rig


def deed(name: str, attempt: int) -> Deed:
    return Deed(micros=MICROS[name.partition(".")[0]])


def work(name: str) -> dict[str, Any]:
    return {"id": name, "model": MODEL, "max_tokens": 100, "prompt": "x"}


UNTIL: dict[str, Any] = {"of": "{{output}}", "test": "contains", "value": "b.r2"}
#: A part of two rounds that begins with a run and ends with the task that has the budget.
PART: list[dict[str, Any]] = [
    {"id": "a", "run": {"workflow": {"name": "inner", "steps": [work("x")]}}},
    work("b") | {
        "deps": ["a"], "subtree_budget": 0.001,
        "repeat": {"first": "a", "until": UNTIL, "most": 2},
    },
]  # fmt: skip


def spent_in_memory() -> int:
    """What counts against the budget of ``b``, micro-dollars."""
    inner = InnerRun((RunTask("x", TaskInput("x"), model=MODEL, max_tokens=100),))
    repeat = Repeat(Condition(**UNTIL), 2, "a")
    tasks = [
        RunTask("a", TaskInput("x"), inner=inner),
        RunTask("b", TaskInput("x"), ["a"], MODEL, max_tokens=100, subtree_micros=1_000, repeat=repeat),
    ]
    policy, clock = RunPolicy(), FakeClock()
    options = Options(executor=TimedSlots(1, deed, clock), clock=clock, catalog=CATALOG)
    run = new_orchestrator_with_defaults(policy, None, options).run(new_run("r", tasks, policy))
    return int(run.books[Account("subtree", "b")].spent)


def test_what_a_run_within_pays_counts_against_the_task_it_stems_from(rig: PaidRuns) -> None:
    rig.start(id="r", tasks=PART)
    told = rig.go("r")

    assert told["state"] == "completed"
    child = told["tasks"]["a.r2"]["child"]
    assert subtree_budgets.above(rig.store.reader, f"{child}:x") == (("r:b", 1_000),)
    spent = balance_of(rig.store.reader, Account("subtree", "r:b")).spent
    assert spent == spent_in_memory() == 2 * MICROS["b"] + MICROS["x"]


def test_a_run_within_that_stems_from_no_such_task_has_no_such_budget(rig: PaidRuns) -> None:
    rig.start(id="r", tasks=PART)
    child = rig.go("r")["tasks"]["a"]["child"]

    assert subtree_budgets.above(rig.store.reader, f"{child}:x") == ()

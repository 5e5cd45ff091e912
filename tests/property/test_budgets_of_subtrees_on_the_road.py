"""A task of a daemon's run counts against the budgets of the same tasks as one in memory does."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import host_platform
from cost.budget_enforcer import accounts_in
from run_contract.policy import RunPolicy
from run_contract.records import RunTask, TaskInput
from runs.entering import added_tasks
from runs.factory import new_run
from runs.request import read_task
from settings import Home, Settings
from store import runs, subtree_budgets
from store.claims import Claimant
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.durable_runs import DurableRuns
from testing.new_home import put_database

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = Home(tmp_path_factory.mktemp("home"))
    home.workspace.mkdir()
    with SqliteStore(put_database(home), Settings(), FakeClock()) as store:
        yield DurableRuns(store, Claimant("w", host_platform.this_process(), 60.0), str)


def _add(rig: DurableRuns, run_id: str, tasks: list[Any], tx: Any) -> None:
    runs.add(tx, run_id, tasks, "test", rig.store.limits)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([None, 1.0, 2.5])), min_size=1, max_size=10))
def test_a_task_counts_against_the_budgets_of_those_it_stems_from(
    rig: DurableRuns, shape: list[tuple[int, float | None]]
) -> None:
    run_id = rig.start(id=f"r{next(_numbers)}", open=True, tasks=[{"id": "root", "prompt": "x"}])
    run = new_run(run_id, [RunTask("root", TaskInput("x"))])
    for number, (above, dollars) in enumerate(shape):
        parent = "root" if above >= number else f"t{above}"
        asked = {"id": f"t{number}", "prompt": "x"} | ({} if dollars is None else {"subtree_budget": dollars})
        (made,) = added_tasks([read_task(asked)], run_id, RunPolicy(), frozenset(), [], rig.house)
        rig.store.write(functools.partial(_add, rig, run_id, [replace(made, parent=parent)]))
        micros = None if dollars is None else round(dollars * 1_000_000)
        run.tasks[f"t{number}"] = RunTask(f"t{number}", parent=parent, subtree_micros=micros)

    for name, task in run.tasks.items():
        counted = accounts_in(run, task)
        there = [(f"{run_id}:{each.name}", most) for each, most in counted if each.scope == "subtree"]
        assert list(subtree_budgets.above(rig.store.reader, f"{run_id}:{name}")) == there

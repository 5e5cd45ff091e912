"""A task of a daemon's run counts against the budgets of the same tasks as one in memory does."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cost.budget_enforcer import accounts_in
from run_contract.policy import RunPolicy
from run_contract.records import RunTask, TaskInput
from runs.entering import added_tasks
from runs.factory import new_run
from runs.request import read_task
from store import runs, subtree_budgets
from testing.durable_runs import DurableRuns

_numbers = itertools.count(1)


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

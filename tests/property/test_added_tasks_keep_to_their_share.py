"""Whatever an answer asks for, all that stems from it shares what was left to the task that asked.

Each call of a task that was added counts against the limit of one that the answer named itself, and these
limits together are no more than was left: on both roads, however much becomes of it by lists, rounds and more
tasks that are asked for.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cost.budget_enforcer import accounts_in
from run_contract.policy import RunPolicy
from run_contract.records import RunTask, TaskInput, TaskResult, Usage
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.inline_executor import InlineExecutor
from testing.durable_runs import DurableRuns

LEFT = 1_000_000
SPENT = 10_000
_numbers = itertools.count(1)
UNTIL = {"of": "{{output}}", "test": "contains", "value": "r3"}


@st.composite
def entries(draw: Any, prefix: str = "x") -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(1, 4))):
        more: dict[str, Any] = {
            "budget": draw(st.sampled_from([None, None, 0.1, 0.6, 2.0])),
            "subtree_budget": draw(st.sampled_from([None, 0.05, 5.0])),
            "for_each": draw(st.sampled_from([None, ["one", "two", "three"]])),
            "may_add": draw(st.booleans()),
        }
        if more["for_each"] is None and draw(st.booleans()):
            more["repeat"] = {"until": UNTIL, "most": 3, "otherwise": "take"}
        told = {key: value for key, value in more.items() if value is not None}
        found.append({"id": f"{prefix}{number}", "prompt": "x", **told})
    return found


def answering(asked: list[dict[str, Any]]) -> Any:
    def work(name: str) -> str:
        more = asked if name == "a" else [{"id": f"{name}-y", "prompt": "y", "for_each": ["one", "two"]}]
        return f"{name}\n```skep-tasks\n{json.dumps({'tasks': more})}\n```"

    return work


def on_the_road(rig: DurableRuns, asked: list[dict[str, Any]]) -> dict[str, list[tuple[str, int]]]:
    rig.work = answering(asked)
    first = {"id": "a", "prompt": "x", "may_add": True, "budget": LEFT / 1_000_000}
    run = rig.start(id=f"r{next(_numbers)}", policy={"on_failure": "continue"}, tasks=[first])
    names = set(rig.go(run)["tasks"]) - {"a"}
    above = {name: rig.store.reader.all("subtrees_above", id=f"{run}:{name}") for name in names}
    return {
        name: [(row["id"].partition(":")[2], row["micros"]) for row in rows] for name, rows in above.items()
    }


def in_memory(asked: list[dict[str, Any]]) -> dict[str, list[tuple[str, int]]]:
    work, policy = answering(asked), RunPolicy(on_failure="continue")
    slots = InlineExecutor(1, lambda job: TaskResult(work(job.task_id), usage=Usage(1, SPENT)))
    first = RunTask("a", TaskInput("x"), may_add=True, budget_micros=LEFT, max_tokens=100)
    run = new_run("r", [first], policy)
    new_orchestrator_with_defaults(policy, None, Options(executor=slots)).run(run)
    counted = {name: accounts_in(run, task) for name, task in run.tasks.items() if name != "a"}
    return {
        name: [(each.name, most) for each, most in found if each.scope == "subtree" and most is not None]
        for name, found in counted.items()
    }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(entries())
def test_all_that_stems_from_an_answer_shares_what_was_left(
    rig: DurableRuns, asked: list[dict[str, Any]]
) -> None:
    for above, left in ((on_the_road(rig, asked), LEFT), (in_memory(asked), LEFT - SPENT)):
        shares = {each["id"]: dict(above[each["id"]])[each["id"]] for each in asked if each["id"] in above}
        assert sum(shares.values()) <= left
        for name, limits in above.items():
            assert [(each, most) for each, most in limits if shares.get(each) == most], name

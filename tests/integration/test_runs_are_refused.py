"""What is refused of a run before any of it begins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from run_contract.errors import InvalidInput, NotOnTheRoad, RunExists
from runs.entering import new_run
from runs.request import read_start
from store import runs
from tests.integration.run_tasks import *  # noqa: F403  the fixtures
from tests.integration.run_tasks import EUROS, MAGIC, task


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"policy": {"mode": "batch"}}, "policy.mode"),
        ({"policy": {"stop_grace_ms": 1}}, "policy.stop_grace_ms"),
        ({"policy": {"stop_grace_ms": 5_000}}, "policy.stop_grace_ms"),
        ({"tasks": [{"id": "a", "command": "true", "for_each": ["x"]}]}, "tasks[0].for_each"),
        ({"tasks": [{"id": "a", "argv": ["{{item}}"], "for_each": ["x"]}]}, "tasks[0].argv[0]"),
    ],
)
def test_what_only_a_run_in_memory_does_is_refused_with_its_path(rig, change, path) -> None:
    with pytest.raises(NotOnTheRoad) as refusal:
        rig.start(**({"tasks": [task("a")]} | change))
    assert refusal.value.details["path"] == path
    assert refusal.value.message.startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"tasks": []}, "invalid_input", "tasks"),
        ({"polcy": {}}, "invalid_input", "polcy"),
        ({"policy": {"max_parallelism": 0}}, "invalid_input", "policy.max_parallelism"),
        ({"policy": {"budget_limit": {"amount": 0}}}, "invalid_input", "policy.budget_limit.amount"),
        ({"policy": {"budget_limit": EUROS}}, "invalid_input", "policy.budget_limit.currency"),
        ({"policy": {"context_policy": MAGIC}}, "invalid_input", "policy.context_policy.strategy"),
        ({"id": "../evil"}, "invalid_input", "id"),
        ({"name": "nul\0"}, "invalid_input", "name"),
        ({"name": "two\nlines"}, "invalid_input", "name"),
        ({"name": "\x1b[2J"}, "invalid_input", "name"),
        ({"tasks": [{"id": "a"}]}, "invalid_input", "tasks[0]"),
        ({"tasks": [{"id": "a", "prompt": " "}]}, "invalid_input", "tasks[0]"),
        ({"tasks": [{"id": "a", "command": "\u3164"}]}, "invalid_input", "tasks[0]"),
        ({"tasks": [{"id": "a", "command": "\u200b -x"}]}, "invalid_input", "tasks[0]"),
        ({"tasks": [{"id": "a", "argv": ["\u200b"]}]}, "invalid_input", "tasks[0]"),
        ({"tasks": [{"id": "a", "prompt": "x", "argv": ["true"]}]}, "invalid_input", "tasks[0]"),
        ({"tasks": [{"id": "a", "argv": ["{{deps.b.output}}"]}]}, "invalid_input", "tasks[0].command"),
        ({"tasks": [{"id": "a", "argv": ["true"], "model": "m"}]}, "invalid_input", "tasks[0].model"),
        ({"tasks": [task("a", prompt="{{deps.b.output}}")]}, "invalid_input", "tasks[0].prompt"),
        ({"tasks": [task("a", prompt="{{inputs.b}}")]}, "invalid_input", "tasks[0].prompt"),
        ({"tasks": [task("a", max_tokens=0)]}, "invalid_input", "tasks[0].max_tokens"),
        ({"tasks": [task("a"), task("a")]}, "dag_invalid", "tasks[1].id"),
        ({"tasks": [task("a", for_each=["x"]), task("a.1")]}, "dag_invalid", "tasks[1].id"),
        ({"tasks": [task("a", "b")]}, "dep_not_found", "tasks[0].deps[0]"),
        ({"tasks": [task("a", "a")]}, "dag_cycle", None),
        ({"tasks": [task("a", "b"), task("b", "a")]}, "dag_cycle", None),
        ({"policy": {"max_tasks": 1}, "tasks": [task("a"), task("b")]}, "invalid_input", "tasks"),
    ],
)  # fmt: skip
def test_a_request_that_breaks_a_rule_is_refused_with_the_path_of_its_field(rig, change, code, path) -> None:
    from errors import SkepError

    with pytest.raises(SkepError) as refusal:
        rig.start(**({"tasks": [task("a")]} | change))
    assert (refusal.value.code, refusal.value.details.get("path")) == (code, path)
    assert rig.store.reader.all("list_runs", before=9, states=None, limit=9) == []


def test_a_model_that_nobody_knows_is_refused(rig) -> None:
    from run_contract.errors import ModelUnknown

    rig.house.models.is_known = lambda name: name != "ghost"
    with pytest.raises(ModelUnknown, match=r"tasks\[0\]\.model"):
        rig.start(tasks=[task("a", model="ghost")])


def test_a_role_stands_for_the_model_that_has_it(rig) -> None:
    run = rig.start(tasks=[task("a", model_role="fast")])

    assert json.loads(rig.store.reader.task(f"{run}:a")["doc"])["model"] == "fast-model"


def test_a_run_is_started_once_under_an_idempotency_key(rig) -> None:
    request = read_start({"tasks": [task("a")]})

    def start(asked):
        made = new_run(asked, rig.house, "key")
        return rig.store.write(lambda tx: runs.start(tx, made, "test", rig.store.limits))["id"]

    assert start(request) == start(request)
    with pytest.raises(RunExists):
        start(read_start({"tasks": [task("b")]}))


def test_no_two_runs_have_one_id(rig) -> None:
    rig.start(id="r", tasks=[task("a")])
    with pytest.raises(RunExists):
        rig.start(id="r", tasks=[task("a")])


@pytest.mark.parametrize("amount", ["1", True, float("inf"), float("nan"), 0, 2_000_000])
def test_what_is_no_amount_is_told_by_the_one_rule_of_dollars(amount: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_start({"tasks": [task("a")], "policy": {"budget_limit": {"amount": amount}}})
    assert refusal.value.message.startswith(
        "policy.budget_limit.amount: must be dollars, a number over 0 and at most 1,000,000, got "
    )
    with pytest.raises(InvalidInput, match="must be dollars, a number over 0"):
        read_start({"tasks": [task("a", budget=amount)]})

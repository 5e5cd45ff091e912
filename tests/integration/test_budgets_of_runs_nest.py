"""A task's budget for all that stems from it: its items share it, beside their own and that of the run."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import Any

import pytest

import host_platform
from cost.usage_tracker import standings
from road.holding import Holding
from run_contract.policy import RunPolicy
from runs.entering import added_tasks
from runs.request import read_task
from store import budgets, runs, subtree_budgets, top_ups
from store.budgets import Account
from testing.model_server import ModelServer
from tests.integration.run_road_rig import RunRoadRig

LISTED: dict[str, Any] = {"id": "a", "prompt": "{{item}}", "for_each": ["x", "y"], "max_tokens": 100}


@pytest.fixture
def rig(tmp_path):
    with ModelServer() as server, RunRoadRig(tmp_path, server) as rig:
        yield rig


def spent(rig: RunRoadRig, limit: str) -> int:
    return budgets.balance_of(rig.store.reader, Account.of_limit(limit, 0)).spent


def test_what_the_items_of_a_task_cost_counts_together_against_its_budget(rig) -> None:
    assert rig.go(rig.start(id="r", tasks=[{**LISTED, "subtree_budget": 1.0}]))["state"] == "completed"

    items = spent(rig, "task:r:a.1") + spent(rig, "task:r:a.2")
    assert spent(rig, "subtree:r:a") == items == spent(rig, "run:r") > 0


def test_an_item_that_the_budget_cannot_pay_waits_and_a_person_is_asked_once(rig) -> None:
    reserved, cost = price_of_an_item(rig)
    most = reserved + cost // 2
    rig.start(id="r", tasks=[{**LISTED, "subtree_budget": most / 1e6}])
    rig.go("r")
    told = rig.shown("r")["tasks"]

    assert (told["a.1"]["state"], told["a.2"]["state"]) == ("completed", "pending")
    assert "budget subtree r:a" in told["a.2"]["waiting_for"]
    (question,) = rig.store.reader.decisions()
    assert json.loads(question["payload"])["limit"] == "subtree:r:a"
    (standing,) = [each for each in standings(rig.store.reader, 0.0) if each.limit == "subtree:r:a"]
    assert standing.granted_micros == most


def price_of_an_item(rig: RunRoadRig) -> tuple[int, int]:
    """The worst case of a call for one item, and what it came to."""
    rig.go(rig.start(id="b", tasks=[{**LISTED, "for_each": ["x"]}]))
    (told,) = [json.loads(row["data"]) for row in rig.events("task.completed") if row["task_id"] == "b:a.1"]
    return told["reserved_micros"], told["cost_micros"]


def test_a_budget_that_has_more_lets_go_whom_it_can_pay(rig) -> None:
    rig.start(id="r", tasks=[{**LISTED, "subtree_budget": 0.000001}])
    rig.go("r")
    rig.store.write(lambda tx: top_ups.add(tx, "subtree:r:a", 1_000_000, "you"))
    Holding(rig.store).look()

    assert rig.go("r")["state"] == "completed"


def test_every_budget_above_a_task_counts_the_narrowest_first(rig) -> None:
    rig.start(id="r", open=True, tasks=[{"id": "a", "prompt": "x", "subtree_budget": 3.0}])
    policy = RunPolicy()
    for name, parent, dollars in [("b", "a", 2.0), ("c", "b", None), ("d", "c", 1.0)]:
        asked = {"id": name, "prompt": "x"} | ({"subtree_budget": dollars} if dollars else {})
        (made,) = added_tasks([read_task(asked)], "r", policy, frozenset(), [], rig.house)
        new = [replace(made, parent=parent)]
        rig.store.write(lambda tx, new=new: runs.add(tx, "r", new, "test", rig.store.limits))

    above = subtree_budgets.above(rig.store.reader, "r:d")
    assert above == (("r:d", 1_000_000), ("r:b", 2_000_000), ("r:a", 3_000_000))


def test_a_warning_is_told_at_each_share_of_the_budget(rig) -> None:
    rig.start(id="r", tasks=[{**LISTED, "subtree_budget": 0.0005}])
    rig.go("r")
    while spent(rig, "subtree:r:a") < 250:
        call = budgets.Reservation(
            f"c{spent(rig, 'subtree:r:a')}", None, None, "m", str(host_platform.this_process()),
            [Account("subtree", "r:a")], 300,
        )  # fmt: skip
        rig.store.write(functools.partial(budgets.reserve, wanted=call))
        rig.store.write(functools.partial(budgets.book, call=call.id, micros=300))

    (told,) = [json.loads(row["data"]) for row in rig.events("budget.warning")]
    assert (told["budget"], told["run_id"], told["percent"]) == ("subtree:r:a", "r", 50)

"""Swarm that ends whenever it is asked for a task's plan is asked three times, and no more."""

from __future__ import annotations

import json
from typing import Any, cast

from planning.plan import PlanRules, consider
from road import plan_advice
from road.cycle_client import SWARM_ENDS, CycleClient, SwarmGone
from store.records import Intake
from testing.tasks import new_task


class Dying:
    """Is not there at first, then breaks off every call that it was sent."""

    def __init__(self, absent: int) -> None:
        self.absent = absent
        self.calls = 0

    def plan(self, request: dict[str, Any], time_limit_s: float) -> bytes:
        self.calls += 1
        raise SwarmGone("swarm does not answer", is_amid=self.calls > self.absent)


def test_its_words_alone_decide_then_and_that_is_told(store, who, settings, monkeypatch):
    monkeypatch.setattr(plan_advice, "LOOK_AGAIN_S", 0.0)
    store.submit(Intake(new=[new_task(id="a", prompt="Read notes.md, then write a summary of it.")]), "test")
    (claim,) = store.claim(who, 1)
    swarm = Dying(absent=7)
    advice = plan_advice.PlanAdvice(store, cast(CycleClient, swarm), settings)
    decision = consider(claim.task, PlanRules.of_settings(settings), 1)

    assert advice.advised(claim, decision, lambda: False, lambda: claim.task) == decision
    assert swarm.calls == 7 + SWARM_ENDS  # one that is not up has ended on nothing
    *_, told = store.reader.events(task_id="a")
    assert told["event"] == "task.proposal_refused"
    assert json.loads(told["data"])["code"] == "swarm_lost"
    assert "swarm ended 3 times while a model was asked for the plan" in told["data"]

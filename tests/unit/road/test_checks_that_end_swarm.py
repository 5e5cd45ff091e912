"""Swarm that ends whenever it is asked for a check of a result is asked three times, and no more."""

from __future__ import annotations

from typing import Any, cast

from outcome import Outcome
from road import checking
from road.checking import Checking
from road.cycle_client import SWARM_ENDS, CycleClient, SwarmGone
from road.journey import Journey
from store.records import Intake
from testing.tasks import new_task
from tests.conformance.store_suite import outcome_of


class Dying:
    """Is not there at first, then breaks off every call that it was sent."""

    def __init__(self, absent: int) -> None:
        self.absent = absent
        self.calls = 0

    def cycle(self, request: dict[str, Any], time_limit_s: float) -> Outcome:
        self.calls += 1
        raise SwarmGone("swarm does not answer", is_amid=self.calls > self.absent)


def test_the_result_is_left_to_a_person_then(store, who, home, settings, monkeypatch):
    monkeypatch.setattr(checking, "LOOK_AGAIN_S", 0.0)
    task = new_task(id="a", command="echo x", expect={"commands": [["true"], ["false"]]})
    store.submit(Intake(new=[task]), "test")
    (claim,) = store.claim(who, 1)
    swarm = Dying(absent=7)
    judges = Checking(home, cast(CycleClient, swarm), settings, lambda _: None)

    (held,) = judges.ask(Journey(claim), outcome_of(claim)) or []

    assert swarm.calls == 7 + SWARM_ENDS  # one that is not up has ended on nothing
    assert held.decision == "HELD"
    assert held.issues == ["the check true could not judge: swarm ended 3 times when it was asked for it"]

"""The kill switch between a claim and its execution: the task goes back, or what swarm did is waited for."""

from __future__ import annotations

import threading

import pytest

from enrichment.roster import Roster
from errors import KillSwitchOn
from outcome import Failure, Outcome
from redaction import redact
from road.cycle_client import SwarmGone
from road.judging import Judge
from road.personas import Personas
from road.planning import Planner
from road.routing import Routing
from road.run_prompts import RunPrompts
from road.walk import Road
from safety.gateway import LONG_CHARS, SafetyGateway
from safety.kill_switch import KillSwitch
from store.records import Intake, TaskRef
from store.sqlite_store import SqliteStore
from testing.tasks import new_task
from tool_router import ToolRouter

REASON = "The kill switch is on (skep kill-switch off)."


class Swarm:
    """Answers a call as the test says."""

    def __init__(self, answer) -> None:
        self._answer = answer
        self.calls = 0

    def cycle(self, request, time_limit_s, traceparent=None):
        self.calls += 1
        return self._answer(request)

    def cancel(self, ref):
        pass


@pytest.fixture
def travel(store: SqliteStore, who):
    """Walk a task along the road with a swarm of the test's own; swarm, and the task's row afterwards."""

    def go(answer, **task):
        swarm = Swarm(answer)
        gateway = SafetyGateway(store.home, store.settings)
        policy = store.settings.attempt_policy
        judge = Judge(lambda ref, work: store.write(work), lambda ref: b"", store.home.workspace, policy)
        planner = Planner(store, gateway, lambda ref: b"", store.settings)
        personas = Personas(store, Roster(store.home.identities), None)
        routing = Routing(ToolRouter([]), gateway)
        road = Road(
            store,
            swarm,  # type: ignore[arg-type]
            gateway,
            planner,
            routing,
            judge,
            store.settings,
            personas,
            runs=RunPrompts(store, lambda ref: b""),
        )
        store.submit(Intake(new=[new_task(id="t", **task)]), "test")
        (claim,) = store.claim(who, 1)
        road.walk(claim)
        return swarm, store.reader.task("t")

    return go


def interrupted(*, began):
    failure = Failure(
        code="kill_switch", message="the kill switch was set", retryable=not began, counts=False
    )
    return Outcome(
        status="interrupted",
        task_id="t",
        lease=1,
        mode="local",
        started_at=1.0,
        ended_at=2.0,
        failure=failure,
    )


def test_a_switch_that_is_set_after_the_claim_sends_the_task_back_uncalled(store, travel, monkeypatch):
    monkeypatch.setattr(KillSwitch, "is_on", lambda self: True)

    swarm, row = travel(lambda request: pytest.fail("called"))

    assert (swarm.calls, row["state"], row["attempts"]) == (0, "ready", 0)
    assert row["reason"] == REASON


def test_it_does_not_wait_for_the_check_of_a_long_text(store, travel, monkeypatch):
    may_go_on = threading.Event()

    def held(text):
        if len(text) > LONG_CHARS:
            store.home.kill_switch.touch()
            assert may_go_on.wait(60)
        return redact(text)

    monkeypatch.setattr("safety.examination.redact", held)
    swarm, row = travel(lambda request: pytest.fail("called"), mode="llm", prompt="bees " * LONG_CHARS)
    may_go_on.set()

    assert (swarm.calls, row["state"], row["attempts"]) == (0, "ready", 0)
    assert row["reason"].startswith("The kill switch is on")


def test_what_swarm_refuses_goes_back_uncounted_whatever_its_effect(store, travel):
    def refuse(request):
        raise KillSwitchOn(REASON)

    _, row = travel(refuse, effect="unsafe")

    assert (row["state"], row["attempts"], row["reason"]) == ("ready", 0, REASON)


def test_nothing_waits_for_a_swarm_that_is_gone_while_it_is_set(store, travel):
    def fall(request):
        store.home.kill_switch.touch()
        raise SwarmGone("no connection")

    swarm, row = travel(fall)

    assert (swarm.calls, row["state"]) == (1, "ready")


def test_what_swarm_began_all_the_same_is_waited_for_and_not_run_twice_unasked(store, travel):
    def begin(request):
        store.start_cycle(TaskRef("t", 1), "boot/1/1")
        store.record_outcome(interrupted(began=True))
        raise KillSwitchOn(REASON)

    _, row = travel(begin, effect="unsafe")

    assert row["state"] == "review"
    (decision,) = store.reader.decisions()
    assert "was interrupted (the kill switch was set" in decision["question"]


@pytest.mark.parametrize(
    ("began", "effect", "state"),
    [
        (True, "idempotent", "ready"),
        (True, "unsafe", "review"),
        (False, "unsafe", "ready"),
    ],
)
def test_what_was_stopped_goes_by_its_effect_and_what_never_began_runs_again(
    store, travel, began, effect, state
):
    _, row = travel(lambda request: interrupted(began=began), effect=effect)

    assert row["state"] == state

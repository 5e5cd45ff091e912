"""When a task of a daemon's run is tried again, and by which model: by its run, as in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from outcome import Outcome
from run_contract.errors import ModelUnknown
from run_contract.policy import RetryPolicy
from runs import retrying
from runs.work import WorkFailed
from store import recording, run_steering
from testing.durable_runs import DurableRuns

RETRY = {"max_attempts": 3, "base_ms": 4_000, "factor": 3, "max_ms": 10_000, "jitter": 0.4}
FALLBACKS = {"own": ["second", "third"]}


@pytest.fixture
def rig(store, who) -> DurableRuns:
    return DurableRuns(store, who, stumbles)


def stumbles(name: str) -> str:
    raise WorkFailed("it stumbled", retryable=True)


def start(rig: DurableRuns, **policy: Any) -> str:
    return rig.start(id="r", policy=policy, tasks=[{"id": "a", "prompt": "x", "model": "own"}])


def story(rig: DurableRuns, kind: str) -> list[dict[str, Any]]:
    return [json.loads(row["data"]) for row in rig.store.reader.events() if row["event"] == kind]


def turn_to_the_next_time(rig: DurableRuns, clock: Any) -> None:
    row = rig.store.reader.task("r:a")
    assert row is not None
    if row["state"] == "delayed":
        clock.advance(row["not_before"] - clock.now())
        rig.store.promote_due()
    rig.turn()


def test_each_wait_is_that_of_the_policy_and_the_same_whenever_it_is_reckoned(rig, clock) -> None:
    start(rig, retry=RETRY)
    waits = []
    for _ in range(2):
        turn_to_the_next_time(rig, clock)
        waits.append(rig.store.reader.task("r:a")["not_before"] - clock.now())

    policy = RetryPolicy.model_validate(RETRY)
    assert waits == pytest.approx([retrying.wait_s(policy, "r", "a", tries) for tries in (1, 2)])


def test_what_the_policy_does_not_try_again_fails_at_once(rig) -> None:
    start(rig, retry={"max_attempts": 3, "retry_on": ["timeout"]})

    assert rig.go("r")["tasks"]["a"]["attempts"] == 1
    assert rig.shown("r")["state"] == "failed"


def test_the_models_of_the_policy_are_asked_in_turn_and_each_change_is_told(rig) -> None:
    start(rig, fallbacks=FALLBACKS)
    asked = []
    while rig.turn():
        asked.append(rig.asked["a"])

    assert asked == ["own", "second", "third"]
    told = story(rig, "task.fallback")
    assert [one["model"] for one in told] == ["second", "third"]
    assert told[0]["reason"] == "own did not do it (it stumbled); second is asked next"


def test_the_model_whose_turn_it_is_outlives_the_process_that_asked_it(rig, store, who) -> None:
    start(rig, fallbacks=FALLBACKS)
    rig.turn()
    assert rig.shown("r")["tasks"]["a"]["model"] == "second"
    rig.claim()
    row = store.reader.task("r:a")
    store.write(lambda tx: recording.interrupted(tx, row, "idempotent", 3, "its process is gone"))

    again = DurableRuns(store, who, stumbles)
    again.claim()

    assert again.asked == {"a": "second"}
    assert again.shown("r")["tasks"]["a"]["model"] == "second"


def test_a_fallback_by_role_counts_where_none_is_named_for_the_model(rig) -> None:
    tasks = [{"id": "a", "prompt": "x", "model_role": "fast"}]
    rig.start(id="r", policy={"fallbacks": {"fast": ["second"]}}, tasks=tasks)
    rig.go("r")

    assert rig.asked == {"a": "second"}


def test_items_of_a_list_fall_back_as_their_task_does(rig) -> None:
    tasks = [{"id": "a", "prompt": "{{item}}", "model_role": "fast", "for_each": ["x"]}]
    rig.start(id="r", policy={"fallbacks": {"fast": ["second"]}}, tasks=tasks)
    rig.go("r")

    assert rig.asked == {"a.1": "second"}


def test_a_fallback_that_nobody_knows_is_refused_with_its_path(rig, monkeypatch) -> None:
    monkeypatch.setattr(type(rig.house.models), "is_known", lambda self, name: name == "own")

    with pytest.raises(ModelUnknown) as refusal:
        start(rig, fallbacks=FALLBACKS)
    assert refusal.value.details["path"] == "policy.fallbacks.own[0]"


def test_fallbacks_of_what_is_no_role_and_no_model_are_refused_with_their_path(rig, monkeypatch) -> None:
    monkeypatch.setattr(type(rig.house.models), "is_known", lambda self, name: name in {"own", "second"})
    start(rig, fallbacks={"own": ["second"], "fast": ["second"]})

    with pytest.raises(ModelUnknown, match="no role") as refusal:
        start(rig, fallbacks={"onw": ["second"]})
    assert refusal.value.details["path"] == "policy.fallbacks.onw"


def test_what_a_model_is_rejected_with_to_the_end_is_asked_of_the_next(rig) -> None:
    rig.work = lambda name: "no" if rig.asked["a"] == "own" else "yes, it is"
    expect = {"contains": ["yes"]}
    policy = {"retry": {"max_attempts": 2, "base_ms": 0}, "fallbacks": FALLBACKS}
    tasks = [{"id": "a", "prompt": "x", "model": "own", "expect": expect}]
    rig.start(id="r", policy=policy, tasks=tasks)
    told = rig.go("r")

    assert told["state"] == "completed"
    assert (told["tasks"]["a"]["attempts"], rig.asked["a"]) == (3, "second")


def test_a_command_that_failed_is_tried_again_where_any_error_is(rig) -> None:
    for number, words in enumerate([["transient"], ["any"]]):
        rig.work = lambda name: (_ for _ in ()).throw(ValueError("exit code 1"))
        policy = {"retry": {"max_attempts": 2, "base_ms": 0, "retry_on": words}}
        run = rig.start(id=f"c{number}", policy=policy, tasks=[{"id": "a", "argv": ["false"]}])
        assert rig.go(run)["tasks"]["a"]["attempts"] == 1 + number


def test_a_person_is_asked_of_an_unsafe_command_whose_answer_cannot_be_judged(rig) -> None:
    run = rig.start(tasks=[{"id": "a", "argv": ["send"], "may_add": True, "effect": "unsafe"}])
    rig.claim()
    claim = rig.flying[0]
    told = "what follows from its answer cannot be told yet: the disk is away"
    rig.store.write(lambda tx: run_steering.put_off_answered(tx, claim.ref, told, "unsafe", 3))

    (decision,) = rig.store.reader.decisions()
    assert (decision["kind"], decision["task_id"]) == ("interrupted", f"{run}:a")
    assert told in decision["question"]
    assert "what it did is not known" in decision["question"]


def test_what_the_command_ended_with_is_told_where_it_is_known(rig) -> None:
    run = rig.start(tasks=[{"id": "a", "argv": ["send"], "may_add": True, "effect": "unsafe"}])
    rig.claim()
    claim = rig.flying[0]
    outcome = Outcome(
        status="completed", task_id=claim.id, lease=claim.ref.lease, mode="local", result="sent", exit_code=0,
        output="sent", started_at=1.0, ended_at=2.0,
    )  # fmt: skip
    rig.store.start_cycle(claim.ref, "swarm")
    rig.store.record_outcome(outcome)
    rig.store.write(lambda tx: run_steering.put_off_answered(tx, claim.ref, "the disk is away", "unsafe", 3))

    (decision,) = rig.store.reader.decisions()
    assert decision["question"].startswith(f"{run}:a has run (the disk is away, started")
    assert "; its command ended with exit code 0. Run it again" in decision["question"]

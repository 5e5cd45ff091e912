"""Who was there whenever its process ended is tried alone before it is blamed; its neighbours pass."""

from __future__ import annotations

import pytest

from host_platform import ProcessId
from store import claims, intake, recording
from store.lanes import ConcurrencyLimits
from testing.tasks import new_task
from tests.conformance.store_suite import approve, outcome_of
from tests.integration.lease_steps import claim_one, interrupt, someone, state, submit


def test_a_task_that_is_only_claimed_whenever_its_process_ends_is_tried_alone_after_ten_times_as_many(
    store, who
):
    submit(store, *[new_task(id=name) for name in ("a", "b")])
    for _ in range(20):
        claimed = store.claim(who, 9)
        assert [claim.id for claim in claimed] == ["a", "b"]
        for claim in claimed:
            interrupt(store, claim, "idempotent", limit=2)
    (claim,) = store.claim(who, 9)
    interrupt(store, claim, "idempotent", limit=2)
    assert (state(store), store.reader.task("a")["code"]) == ("failed", "worker_lost")
    approve(store, claim_alone(store, who, "b"))


def test_a_task_whose_limit_was_lowered_below_what_it_had_is_tried_alone_before_it_fails(store, who):
    submit(store, *[new_task(id=name) for name in ("a", "b")])
    for limit in (6, 6, 2):
        claimed = store.claim(who, 9)
        assert [claim.id for claim in claimed] == ["a", "b"]
        for claim in claimed:
            store.start_cycle(claim.ref, "swarm")
            interrupt(store, claim, "idempotent", limit=limit)
    approve(store, claim_alone(store, who, "a"))
    interrupt(store, claim_alone(store, who, "b"), "idempotent", limit=2)
    assert [state(store, name) for name in ("a", "b")] == ["approved", "failed"]


def interrupt_together(store, who, times: int) -> None:
    """Everything that is ready is claimed and begun, then its process ends."""
    for _ in range(times):
        for claim in store.claim(who, 9):
            store.start_cycle(claim.ref, "swarm")
            interrupt(store, claim, "idempotent")


def claim_alone(store, who, expected: str):
    """The next task to be claimed, beside which nothing else is."""
    (claim,) = store.claim(who, 9)
    assert (claim.id, store.claim(who, 9)) == (expected, [])
    store.start_cycle(claim.ref, "swarm")
    return claim


def test_who_was_there_whenever_its_process_ended_is_tried_alone_at_last_so_that_the_innocent_pass(
    store, who
):
    submit(store, *[new_task(id=name) for name in ("before", "culprit", "behind")])
    interrupt_together(store, who, 2)
    *_, told = store.reader.events(task_id="before")
    assert "runs again, alone, which shows whether it is what ends the process" in told["data"]
    submit(store, new_task(id="other"))
    approve(store, claim_alone(store, who, "before"))
    culprit = claim_alone(store, who, "culprit")
    reader = store.reader
    assert reader.waiting_for(reader.task("other")) == "a task that runs alone to end"
    why = "a running task to end: it runs alone (its process has ended amid it before)"
    assert reader.waiting_for(reader.task("behind")) == why
    interrupt(store, culprit, "idempotent")
    approve(store, claim_alone(store, who, "behind"))
    states = [state(store, name) for name in ("before", "culprit", "behind")]
    assert states == ["approved", "failed", "approved"]
    assert store.reader.task("culprit")["code"] == "worker_lost"
    assert [claim.id for claim in store.claim(who, 9)] == ["other"]


def test_a_suspect_whose_result_was_judged_bad_has_its_next_try_alone_too(store, who):
    """It keeps the count, so beside another that ends the process it would fail for that one's sake."""
    submit(store, new_task(id="a", prompt="x"))
    interrupt_together(store, who, 2)
    claim = claim_alone(store, who, "a")
    store.record_outcome(outcome_of(claim))

    def reject(tx) -> None:
        row = claims.held(tx, claim.ref, "a verdict")
        assert row is not None
        recording.requeue(tx, row, "a critic", became="rejected")

    store.write(reject)
    submit(store, new_task(id="b", prompt="x"))
    claim_alone(store, who, "a")


def test_a_suspect_that_was_stopped_with_its_worker_has_its_next_try_alone_too(store, who):
    submit(store, new_task(id="a"), new_task(id="b"))
    interrupt_together(store, who, 2)
    claim = claim_alone(store, who, "a")
    store.record_outcome(outcome_of(claim, status="cancelled"))
    store.write(lambda tx: recording.hand_back(tx, claim.ref, "the worker stops"))
    claim_alone(store, who, "a")


def test_a_task_that_swarm_never_began_though_it_was_sent_is_tried_alone_and_then_fails(store, who):
    submit(store, new_task(id="a"), new_task(id="b"))

    def give_up(claim) -> None:
        def work(tx) -> None:
            row = claims.held(tx, claim.ref, "an interruption")
            assert row is not None
            recording.never_started(tx, row, "swarm ended 3 times")

        store.write(work)

    for claim in store.claim(who, 9):
        give_up(claim)
    (claim,) = store.claim(who, 9)
    assert (claim.id, store.claim(who, 9)) == ("a", [])
    give_up(claim)
    assert (state(store), store.reader.task("a")["code"]) == ("failed", "worker_lost")
    approve(store, claim_alone(store, who, "b"))


@pytest.mark.parametrize(
    "pass_by",
    [
        lambda store: store.write(lambda tx: intake.assign_lanes(tx, ConcurrencyLimits(models={"big": 1}))),
        lambda store: store.pause("me", None) or store.resume("me"),
    ],
    ids=["other limits", "a pause"],
)
def test_a_suspect_stays_one_over_what_says_nothing_of_it(store, who, pass_by):
    submit(store, new_task(id="a", prompt="x"), new_task(id="b", prompt="x"))
    interrupt_together(store, who, 2)
    pass_by(store)
    claim = claim_alone(store, who, "a")
    store.write(lambda tx: recording.hand_back(tx, claim.ref, "the worker stops"))
    claim_alone(store, who, "a")


def test_a_suspect_that_a_person_sends_back_runs_beside_others(store, who):
    submit(store, new_task(id="a"))
    interrupt_together(store, who, 2)
    store.cancel("a", "me")
    store.retry("a", "me")
    submit(store, new_task(id="b"))
    assert {claim.id for claim in store.claim(who, 9)} == {"a", "b"}


def test_a_task_with_one_try_is_tried_alone_too_before_it_fails(store, who):
    submit(store, new_task(id="a"), new_task(id="b"))
    for claim in store.claim(who, 9):
        store.start_cycle(claim.ref, "swarm")
        interrupt(store, claim, "idempotent", limit=1)
    interrupt(store, claim_alone(store, who, "a"), "idempotent", limit=1)
    approve(store, claim_alone(store, who, "b"))
    assert [state(store, name) for name in ("a", "b")] == ["failed", "approved"]


def test_workers_that_stop_in_good_order_have_not_ended_on_a_result(store, who):
    claim = claim_one(store, someone(store, ProcessId("gone", 1, 1)))
    outcome = outcome_of(claim)
    store.record_outcome(outcome)

    def ends(*, in_order: bool) -> int:
        if in_order:
            store.write(lambda tx: claims.leave(tx, claim.ref))
        (found,) = store.find_abandoned()
        next_one = someone(store, ProcessId("gone", 1, 1))
        store.write(lambda tx: claims.adopt(tx, next_one, found.row))
        return claims.ends_since(store.reader, claim, outcome)

    assert [ends(in_order=each) for each in (True, True, False, True, False)] == [0, 0, 1, 1, 2]


def test_a_clock_that_is_set_back_neither_hides_ends_nor_adds_those_before_a_result(store, who, clock):
    claim = claim_one(store, someone(store, ProcessId("gone", 1, 1)))

    def end() -> None:
        (found,) = store.find_abandoned()
        store.write(lambda tx: claims.adopt(tx, someone(store, ProcessId("gone", 1, 1)), found.row))

    end()
    end()
    outcome = outcome_of(claim)
    store.record_outcome(outcome)
    clock.jump(-3600.0)
    assert claims.ends_since(store.reader, claim, outcome) == 0
    end()
    assert claims.ends_since(store.reader, claim, outcome) == 1

"""The circuit breaker over a real history: what is counted, from where, and how it is reset."""

from __future__ import annotations

import json

import pytest

import host_platform
from outcome import Failure, Verdict
from road.halts import Breaker
from safety.circuit_breaker import Bounds
from store import budgets, recording
from store.answering import Answer
from store.budgets import Account, Reservation
from store.claims import Claimant
from store.reading import BREAKER
from store.records import Intake
from testing.tasks import new_task
from tests.conformance.store_suite import outcome_of

BOUNDS = Bounds(failures=3, same_failures=0)


class Work:
    """Tasks that end as a test wants it, one after the other."""

    def __init__(self, store):
        self.store = store
        self.who = Claimant("w", host_platform.this_process(), 30.0)
        self.number = 0

    def claim(self, **fields):
        self.number += 1
        self.store.submit(Intake(new=[new_task(id=f"t{self.number}", **fields)]), "test")
        (claim,) = self.store.claim(self.who, 1)
        return claim

    def fail(self, reason="it broke", code="model_refused", cost=None, **fields):
        claim = self.claim(**fields)
        outcome = outcome_of(
            claim, status="failed", cost_micros=cost, failure=Failure(code=code, message=reason)
        )
        self.spend(cost)
        self.store.write(
            lambda tx: recording.fail_attempt(
                tx, tx.one("held", id=claim.id, lease=claim.ref.lease), outcome, {}, code, reason
            )
        )

    def approve(self, cost=None, **fields):
        claim = self.claim(**fields)
        outcome = outcome_of(claim, cost_micros=cost)
        verdict = Verdict(decision="APPROVE", confidence=0.9)

        def conclude(tx):
            row = recording.begin_review(tx, claim.ref, outcome, verdict, {})
            assert row is not None
            recording.approve(tx, row, "critics", cost_micros=cost)

        self.spend(cost)
        self.store.write(conclude)

    def spend(self, micros):
        """Reserve and book a call that comes to so much."""

        def pay(tx):
            call = f"call-{self.number}"
            owner = str(self.who.owner)
            budgets.reserve(tx, Reservation(call, None, None, "m", owner, [Account("total")], micros))
            budgets.book(tx, call, micros)

        if micros:
            self.store.write(pay)


@pytest.fixture
def work(store):
    return Work(store)


def kinds(store, prefix="daemon.breaker"):
    return [row["event"] for row in store.reader.events() if row["event"].startswith(prefix)]


def test_it_trips_stops_claiming_asks_and_is_told_once(store, work):
    breaker = Breaker(store, BOUNDS)
    for _ in range(2):
        work.fail()
        breaker.look()
    assert store.reader.fact(BREAKER) is None

    work.fail("bad key")
    breaker.look()
    breaker.look()
    store.submit(Intake(new=[new_task(id="next")]), "test")

    assert store.claim(work.who, 1) == []
    assert store.reader.waiting_for(store.reader.task("next")) == (
        "the circuit breaker tripped: 3 tasks in a row failed, the last of them t3: bad key (skep resume)"
    )
    (decision,) = store.reader.decisions()
    assert decision["kind"] == "circuit_breaker"
    assert "3 tasks in a row failed" in decision["question"]
    assert kinds(store) == ["daemon.breaker_tripped"]
    audit = store.reader.all("audit_after", after=0, limit=10)
    assert [(row["event"], row["decision"], row["rule"]) for row in audit] == [
        ("circuit_breaker", "tripped", "failures_in_a_row")
    ]


@pytest.mark.parametrize("way", ["resume", "approve", "answer"])
def test_a_reset_lets_work_go_on_and_counts_anew(store, work, way):
    breaker = Breaker(store, BOUNDS)
    for _ in range(3):
        work.fail()
    breaker.look()
    (decision,) = store.reader.decisions()

    if way == "resume":
        assert store.resume("ada")
    elif way == "approve":
        store.approve(decision["id"], "ada")
    else:
        store.answer(Answer(decision["id"], "resume", "ada"))

    assert store.reader.decisions() == []
    for _ in range(2):
        work.fail()
        breaker.look()
    assert store.reader.fact(BREAKER) is None
    work.fail()
    breaker.look()
    assert kinds(store) == ["daemon.breaker_tripped", "daemon.breaker_reset", "daemon.breaker_tripped"]


def test_who_says_wait_keeps_it_tripped_and_resumes_later(store, work):
    breaker = Breaker(store, BOUNDS)
    for _ in range(3):
        work.fail()
    breaker.look()

    store.reject(store.reader.decisions()[0]["id"], "ada")

    assert (store.reader.decisions(), store.reader.gate().cause) == ([], "circuit_breaker")
    assert store.resume("ada")
    assert store.reader.gate().cause is None
    assert not store.resume("ada")


def test_a_restart_or_another_leader_goes_on_counting_where_the_last_one_was(store, work):
    work.fail()
    Breaker(store, BOUNDS).look()
    work.fail()
    second = Breaker(store, BOUNDS)
    second.look()
    assert store.reader.fact(BREAKER) is None

    work.fail()
    Breaker(store, BOUNDS).look()
    second.look()

    assert kinds(store) == ["daemon.breaker_tripped"]


def test_a_restart_does_not_undo_a_reset(store, work):
    for _ in range(3):
        work.fail()
    Breaker(store, BOUNDS).look()
    store.resume("ada")
    work.fail()

    Breaker(store, BOUNDS).look()

    assert store.reader.fact(BREAKER) is None


def test_a_reset_in_the_very_moment_is_not_overruled(store, work, monkeypatch):
    breaker = Breaker(store, BOUNDS)
    for _ in range(3):
        work.fail()
    Breaker(store, BOUNDS).look()
    trip = store.trip_breaker

    def after_a_reset(*given):
        store.resume("ada")
        return trip(*given)

    monkeypatch.setattr(store, "trip_breaker", after_a_reset)
    breaker.look()

    assert store.reader.fact(BREAKER) is None


def test_what_does_not_count_neither_trips_nor_ends_a_row(store, work):
    breaker = Breaker(store, BOUNDS)
    work.fail()
    work.fail()
    # dependants of a failed task, a refusal by the gateway, a cancellation, a person's own verdict
    store.submit(Intake(new=[new_task(id="child", depends_on=["t1"])]), "test")
    blocked = work.claim()
    store.write(lambda tx: recording.block(tx, blocked.ref, "no", {}))
    cancelled = work.claim()
    store.cancel(cancelled.id, "ada")
    store.write(lambda tx: recording.cancel_running(tx, cancelled.ref, "ada"))
    judged = work.claim()
    store.write(
        lambda tx: recording.fail(
            tx, tx.one("held", id=judged.id, lease=judged.ref.lease), "rejected", "no good", reviewer="ada"
        )
    )
    breaker.look()
    assert store.reader.fact(BREAKER) is None
    assert store.reader.counts()["failed"] >= 3

    work.fail()
    breaker.look()
    assert store.reader.fact(BREAKER) is not None


def test_money_of_the_last_minute_trips_it_and_each_cost_counts_once(store, work, clock):
    breaker = Breaker(store, Bounds(failures=0, same_failures=0, spend_per_minute=1_000_000))
    work.approve(cost=600_000, prompt="x")
    clock.advance(61)
    work.approve(cost=600_000, prompt="x")
    work.fail(cost=400_000, prompt="x")
    breaker.look()
    assert store.reader.fact(BREAKER) is None

    work.approve(cost=1, prompt="x")
    breaker.look()

    fact = store.reader.fact(BREAKER)
    assert fact["rule"] == "spend_per_minute"
    store.resume("ada")
    work.approve(cost=999_999, prompt="x")
    breaker.look()
    assert store.reader.fact(BREAKER) is None, "what was spent before the reset does not count"


def test_a_long_history_is_read_on_in_pages_and_a_pause_of_the_reader_loses_nothing(store, work):
    breaker = Breaker(store, Bounds(failures=0, same_failures=700))
    work.fail()
    breaker.look()
    rows = 699

    def many(tx):
        for number in range(rows):
            tx.emit("task.failed", task_id="t1", status="failed", code="model_refused", reason=f"no {number}")
            tx.emit("task.queued", task_id="t1", status="queued")

    work.fail("no 0")
    store.write(many)
    breaker.look()

    assert store.reader.fact(BREAKER)["rule"] == "same_failure"
    (decision,) = store.reader.decisions()
    assert json.loads(decision["payload"])["count"] == 700

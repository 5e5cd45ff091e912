"""Places that are shared: no more runs at once than is wanted, and nothing waits for the dead."""

from __future__ import annotations

import pytest

import host_platform
from host_platform import ProcessId
from store import claims
from store.capacity import Capacity
from store.claims import Claimant
from store.records import Claim, Intake
from store.room import Shared
from store.sqlite_store import SqliteStore
from testing.tasks import new_task
from tests.conformance.store_suite import approval_of, approve, outcome_of

GONE = ProcessId("gone", 1, 1)
TWO = Capacity(1, 2).shared_by("worker-1", 1)


@pytest.fixture
def worker(store: SqliteStore) -> Claimant:
    """The worker that took the dead one's place, and has its name."""
    store.submit(Intake(new=[new_task(id=f"t{number}") for number in range(9)]), "test")
    return Claimant("worker-1", host_platform.this_process(), store.settings.lease_s)


def other(store: SqliteStore, name: str, owner: ProcessId) -> Claimant:
    return Claimant(name, owner, store.settings.lease_s)


def left_behind(store: SqliteStore, count: int, execution: str, name: str = "worker-1") -> list[Claim]:
    """What a worker that died had claimed, and what became of it."""
    found = store.claim(other(store, name, GONE), count)
    for claim in found if execution != "unstarted" else ():
        lives = execution == "running"
        store.start_cycle(claim.ref, str(host_platform.this_process()) if lives else "gone/1/1")
        if execution == "ended":
            store.record_outcome(outcome_of(claim))
    return found


@pytest.mark.parametrize("execution", ["running", "ended"])
@pytest.mark.parametrize(("count", "free"), [(1, 1), (2, 0), (4, 0)])
def test_what_is_to_be_adopted_has_its_place_before_anything_is_claimed(
    store, worker, execution, count, free
):
    left_behind(store, count, execution)
    assert len(store.claim(worker, 2, TWO)) == free


@pytest.mark.parametrize("execution", ["unstarted", "lost"])
def test_what_nobody_executes_keeps_no_place(store, worker, execution):
    left_behind(store, 2, execution)
    assert len(store.claim(worker, 2, TWO)) == 2


def test_what_was_adopted_keeps_its_place_until_it_ends(store, worker):
    first, second = left_behind(store, 2, "running")
    for one in (first, second):
        row = store.reader.task(one.id)
        store.write(lambda tx, row=row: claims.adopt(tx, worker, row))
        assert store.claim(worker, 2, TWO) == []
    approve(store, first)
    assert len(store.claim(worker, 2, TWO)) == 1


def test_what_another_worker_adopted_counts_for_those_that_share_with_it(store, worker):
    second = other(store, "worker-2", worker.owner)
    store.claim(second, 3)
    four = Capacity(2, 2).shared_by("worker-1", 1)
    assert len(store.claim(worker, 2, four)) == 1


def test_what_ends_gives_no_place_away_while_too_much_runs(store, worker):
    left_behind(store, 2, "running")
    first, second = store.claim(worker, 2)
    assert store.conclude(approval_of(first), worker, 1, TWO) == []
    assert store.conclude(approval_of(second), worker, 1, TWO) == []


@pytest.mark.parametrize("name", ["worker-2", "worker-of-another"])
def test_a_worker_that_lives_and_shares_no_places_takes_none(store, worker, name):
    store.claim(other(store, name, worker.owner), 4)
    assert len(store.claim(worker, 2, TWO)) == 2


def test_a_worker_that_dropped_a_task_keeps_a_place_no_longer_than_its_lease(store, clock, worker):
    store.claim(worker, 2)
    assert store.claim(worker, 2, TWO) == []
    clock.advance(store.settings.lease_s + 1)
    assert len(store.claim(worker, 2, TWO)) == 2


def test_a_worker_without_a_supervisor_shares_with_those_that_died_alone():
    assert Capacity(3, 5).shared_by("mine", None) == Shared(5, frozenset({"mine"}))
    assert Capacity(2, 5).shared_by("worker-1", 1) == Shared(10, frozenset({"worker-1", "worker-2"}))

"""The engine: every place has one task at a time, and a task that ends hands its place on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

import host_platform
from host_platform import ProcessId
from store import claims
from store.claims import Claimant
from store.contracts import Work
from store.engine import SqliteEngine
from store.pulse import Pulse
from store.records import Claim, Intake, TaskRef
from store.room import Shared
from store.sqlite_store import SqliteStore
from testing.tasks import new_task
from tests.conformance.store_suite import approval_of

PATIENCE_S = 60


class Serving:
    """An engine with two places, and what it was given to do."""

    def __init__(self, store: SqliteStore, who: Claimant) -> None:
        self.store = store
        self.pulse = Pulse(store.reader)
        self.engine = SqliteEngine(store, self.pulse, who, 2)
        self.stop = threading.Event()
        self.done: list[tuple[str, int]] = []
        self.most_at_once = 0
        self._at_once = 0
        self._counting = threading.Lock()
        self.ended = threading.Semaphore(0)
        #: what is done with a task before it is concluded
        self.before: Callable[[Claim], None] = lambda claim: None
        self._thread = threading.Thread(target=self.engine.serve, args=(self.handle, self.stop))

    def start(self) -> None:
        self.pulse.start()
        self._thread.start()

    def handle(self, claim: Claim) -> None:
        self._count(1)
        self.before(claim)
        self.done.append((claim.id, threading.get_ident()))
        self._count(-1)
        self.engine.conclude(claim.ref, approval_of(claim))
        self.ended.release()

    def _count(self, more: int) -> None:
        """So many more are being done. What is held are more: what is concluded, and what follows it."""
        with self._counting:
            self._at_once += more
            self.most_at_once = max(self.most_at_once, self._at_once)

    def wait_for_ends(self, count: int) -> None:
        for _ in range(count):
            assert self.ended.acquire(timeout=PATIENCE_S)

    def end(self) -> None:
        self.stop.set()
        self.engine.wake()
        if self._thread.ident is not None:
            self._thread.join(PATIENCE_S)
            self.pulse.stop()
        assert self.engine.drain(PATIENCE_S) == []
        self.engine.close()


@pytest.fixture
def serving(store: SqliteStore, who: Claimant) -> Iterator[Serving]:
    made = Serving(store, who)
    yield made
    made.end()


def submit(store: SqliteStore, count: int) -> list[str]:
    return store.submit(Intake(new=[new_task(id=f"t{number}") for number in range(count)]), "test")


def test_every_task_is_done_once_and_never_more_at_once_than_there_are_places(store, serving):
    ids = submit(store, 40)
    two = threading.Barrier(2)

    def wait_for_another(claim: Claim) -> None:
        two.wait(PATIENCE_S)

    serving.before = wait_for_another
    serving.start()
    serving.wait_for_ends(40)
    assert sorted(name for name, _ in serving.done) == sorted(ids)
    assert serving.most_at_once == 2


def test_the_thread_of_a_task_goes_on_with_the_next(store, serving):
    submit(store, 40)
    serving.start()
    serving.wait_for_ends(40)
    assert len({thread for _, thread in serving.done}) == 2


def test_what_an_end_lets_go_takes_every_free_place_with_it(store, serving):
    waiting = [new_task(id=f"after{number}", depends_on=["first"]) for number in range(5)]
    store.submit(Intake(new=[new_task(id="first"), *waiting]), "test")
    both_run = threading.Barrier(2)
    serving.before = lambda claim: claim.id in {"after0", "after1"} and both_run.wait(PATIENCE_S)
    serving.start()
    serving.wait_for_ends(6)
    moments = {(row["event"], row["task_id"]): row["ts"] for row in store.reader.events()}
    begun = {moments["task.in_progress", name] for name in ("after0", "after1")}
    assert begun == {moments["task.approved", "first"]}


def test_a_conclusion_that_fails_gives_the_places_back_that_were_kept_for_it(store, serving):
    submit(store, 1)
    failed = threading.Event()

    def fail_first(claim: Claim) -> None:
        if not failed.is_set():
            failed.set()
            store.submit(Intake(new=[new_task(id=f"later{number}") for number in range(4)]), "test")
            serving.engine.conclude(claim.ref, lambda tx: tx.run("no_such_query"))

    serving.before = fail_first
    serving.start()
    serving.wait_for_ends(4)
    assert sorted(name for name, _ in serving.done) == ["later0", "later1", "later2", "later3"]
    store.cancel("t0", "test")


def test_a_task_that_comes_while_every_place_is_free_is_claimed_by_itself(store, serving):
    serving.start()
    submit(store, 1)
    serving.wait_for_ends(1)
    store.submit(Intake(new=[new_task(id="later")]), "test")
    serving.wait_for_ends(1)


def test_while_stopping_a_task_that_ends_claims_no_other(store, serving):
    submit(store, 5)
    both_run = threading.Barrier(3)

    def stop_first(claim: Claim) -> None:
        both_run.wait(PATIENCE_S)
        serving.stop.wait(PATIENCE_S)

    serving.before = stop_first
    serving.start()
    both_run.wait(PATIENCE_S)
    serving.stop.set()
    assert serving.engine.drain(PATIENCE_S) == []
    assert store.reader.state_counts() == {"approved": 2, "ready": 3}


def test_an_adopted_task_claims_nothing_for_it_has_no_place_to_give(store, who, serving):
    submit(store, 3)
    (claim,) = store.claim(who, 1)
    over = threading.Event()

    def carry_on(claim: Claim) -> None:
        serving.handle(claim)
        over.set()

    serving.engine.adopt(claim, carry_on)
    assert over.wait(PATIENCE_S)
    assert serving.engine.drain(PATIENCE_S) == []
    assert store.reader.state_counts() == {"approved": 1, "ready": 2}


def test_a_worker_that_follows_a_dead_one_runs_no_more_than_its_places(store, who, serving):
    submit(store, 8)
    gone = Claimant("worker-test", ProcessId("gone", 1, 1), store.settings.lease_s)
    left = store.claim(gone, 2)
    for claim in left:
        store.start_cycle(claim.ref, str(host_platform.this_process()))
    serving.engine.share(Shared(2, frozenset({"worker-test"})))
    serving.start()
    rows = [store.reader.task(claim.id) for claim in left]
    for row in rows:
        serving.engine.adopt(store.write(lambda tx, row=row: claims.adopt(tx, who, row)), serving.handle)
    serving.wait_for_ends(8)
    assert serving.most_at_once <= 2
    assert {name for name, _ in serving.done[:2]} == {claim.id for claim in left}


def test_a_road_that_breaks_off_after_its_end_still_hands_its_place_on(store, serving):
    submit(store, 6)
    concluded = serving.engine.conclude

    def conclude_and_break(ref: TaskRef, work: Work) -> None:
        concluded(ref, work)
        serving.ended.release()
        raise RuntimeError("after the end")

    serving.engine.conclude = conclude_and_break
    serving.start()
    serving.wait_for_ends(6)
    assert len(serving.done) == 6


def test_what_runs_counts_as_held_from_its_claim_on(store, serving):
    submit(store, 4)
    seen: list[bool] = []
    serving.before = lambda claim: seen.append(claim.ref in serving.engine.held())
    serving.start()
    serving.wait_for_ends(4)
    assert seen == [True] * 4


def test_a_lower_pace_lets_what_runs_end_and_claims_no_more_than_it_says(store, serving):
    submit(store, 12)
    both_run = threading.Barrier(3)
    go_on = threading.Event()

    def wait_for_word(claim: Claim) -> None:
        if not go_on.is_set():
            both_run.wait(PATIENCE_S)
            go_on.wait(PATIENCE_S)

    serving.before = wait_for_word
    serving.start()
    both_run.wait(PATIENCE_S)
    serving.engine.pace = 1
    serving.most_at_once = 0
    go_on.set()
    serving.wait_for_ends(12)
    assert len(serving.done) == 12
    assert serving.most_at_once <= 2  # the one of before that had not ended


def test_at_a_pace_of_nothing_nothing_is_claimed_until_it_is_raised(store, serving):
    serving.engine.pace = 0
    submit(store, 3)
    serving.start()
    assert serving.engine.drain(PATIENCE_S) == []
    assert store.reader.state_counts() == {"ready": 3}
    serving.engine.pace = 3
    serving.wait_for_ends(3)

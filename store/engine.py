"""The engine on one machine: claim what is ready, hand it to a thread, keep its lease alive.

A task's last write gives its place to the next ready one in the same transaction, and its thread goes on with
that: one commit and a hand-over between threads less. What else it let go takes the places that are free, in
that transaction too. A slot that is left free and a task that becomes ready both wake the loop at once, so
nothing waits for a tick.

Heartbeats renew all leases in one transaction; a lease that turns out to be lost is told to whoever runs the
task, whose result the store would drop anyway.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from errors import StoreError
from store.capacity import MOST_PACE
from store.claims import Claimant
from store.contracts import Handler, Work
from store.pulse import Pulse
from store.records import Claim, Intake, TaskRef
from store.room import Shared
from store.sqlite_store import SqliteStore
from work_context import concerning

logger = logging.getLogger(__name__)

#: Seconds after which the loop looks even if nothing woke it.
LOOK_ANYWAY_S: Final = 5.0
#: Seconds that pass at least before it looks again for a rate limit to have room.
SOONEST_LOOK_S: Final = 0.01
#: Seconds to leave the store alone after it failed.
AFTER_ERROR_S: Final = 1.0
#: A lease outlives two beats that are lost, whatever the settings say.
BEATS_IN_A_LEASE: Final = 3


class SqliteEngine:
    """Serves the tasks of one store, so many at once as its pace is."""

    def __init__(self, store: SqliteStore, pulse: Pulse, who: Claimant, concurrency: int) -> None:
        self.who = who
        self._store = store
        self._pace = concurrency
        #: the places this worker has together with others; none: it counts what it holds, and no more
        self._shared: Shared | None = None
        self._wake = threading.Event()
        self._mutex = threading.Lock()
        self._held: dict[TaskRef, Claim] = {}
        #: of these, what was adopted and has no place of its own
        self._placeless: set[TaskRef] = set()
        #: tasks that were concluded -> what was claimed with that, and follows in their place
        self._next: dict[TaskRef, Claim] = {}
        #: places that a claim which is under way may take
        self._promised = 0
        #: whether the loop found no place because one was promised: then it looks again
        self._is_missed = False
        self._handle: Handler = lambda claim: None
        self._stop = threading.Event()
        self._idle = threading.Condition(self._mutex)
        # Threads are only made as they are needed.
        self._pool = ThreadPoolExecutor(max(concurrency, MOST_PACE), thread_name_prefix="task")
        self._adopted = ThreadPoolExecutor(64, thread_name_prefix="adopted")
        #: called with every lease that turns out to be lost
        self.on_lost: Callable[[TaskRef], None] = lambda ref: None
        pulse.listen(self._wake)

    def submit(self, brought: Intake, source: str) -> list[str]:
        """Hand tasks in."""
        return self._store.submit(brought, source)

    def cancel(self, task_id: str, by: str) -> str:
        """Withdraw a task, running or not."""
        return self._store.cancel(task_id, by)

    def held(self) -> list[TaskRef]:
        """What runs here."""
        with self._mutex:
            return list(self._held)

    @property
    def pace(self) -> int:
        """How many tasks run here at once; none are claimed at 0, and what runs goes on."""
        return self._pace

    @pace.setter
    def pace(self, pace: int) -> None:
        if pace != self._pace:
            self._pace = pace
            self._wake.set()

    def share(self, places: Shared) -> None:
        """Claim no more than these places leave room for, whoever holds what runs."""
        if places != self._shared:
            self._shared = places
            self._wake.set()

    def serve(self, handle: Handler, stop: threading.Event) -> None:
        """Claim and hand out until `stop` is set. What was handed out goes on; `drain` waits for it."""
        self._stop, self._handle = stop, handle
        beat = threading.Thread(target=self._beat, args=(stop,), name="heartbeat", daemon=True)
        beat.start()
        while not stop.is_set():
            self._wake.clear()
            try:
                patience = self._claim()
            except StoreError as error:
                logger.error("nothing can be claimed: %s", error)
                stop.wait(AFTER_ERROR_S)
                continue
            self._wake.wait(patience)

    def conclude(self, ref: TaskRef, work: Work) -> None:
        """Do the last write of a task that was handed out, and claim for its place with it.

        Not while stopping or where more runs than the pace allows, and not for one that was adopted: its
        place is beyond those there are.
        """
        with self._mutex:
            has_place = ref in self._held and ref not in self._placeless and ref not in self._next
            # One that was concluded and what follows it have one place together.
            places = len(self._held) - len(self._next) - len(self._placeless)
            has_place = has_place and places <= self._pace
        if not has_place or self._stop.is_set():
            self._store.write(work)
            return
        further, claims = self._promise(), list[Claim]()
        try:
            claims = self._store.conclude(work, self.who, 1 + further, self._shared)
        finally:
            self._hold(claims, further, after=ref)
        self._hand_out(claims[1:])

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def adopt(self, claim: Claim, handle: Handler) -> None:
        """Carry on with a task that was taken over; it needs no free slot, its place was taken before."""
        with self._mutex:
            self._held[claim.ref] = claim
            self._placeless.add(claim.ref)
        self._adopted.submit(self._do, claim, handle)

    def drain(self, seconds: float) -> list[TaskRef]:
        """Wait for what runs, at most so long; what still runs then."""
        with self._idle:
            self._idle.wait_for(lambda: not self._held, seconds)
            return list(self._held)

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False)
        self._adopted.shutdown(wait=False)

    def _claim(self) -> float:
        """Hand out what may start; seconds after which to look even if nothing wakes us."""
        free, claims = self._promise(is_loop=True), list[Claim]()
        if not free:
            return LOOK_ANYWAY_S
        try:
            if not self._store.reader.all("any_ready"):
                return LOOK_ANYWAY_S
            claims = self._store.claim(self.who, free, self._shared)
        finally:
            self._hold(claims, free)
        self._hand_out(claims)
        return LOOK_ANYWAY_S if len(claims) == free else self._patience()

    def _promise(self, *, is_loop: bool = False) -> int:
        """Keep the free places for a claim, so that no other takes them before it is over; how many."""
        with self._mutex:
            free = max(0, self._pace - (len(self._held) - len(self._next)) - self._promised)
            self._is_missed |= is_loop and not free and self._promised > 0
            self._promised += free
            return free

    def _hold(self, claims: Sequence[Claim], promised: int, after: TaskRef | None = None) -> None:
        """What a claim brought is held, and the other places kept for it are free again.

        `after`: the task that was concluded with it, in whose place the first follows.
        """
        with self._mutex:
            if after is not None and claims:
                self._next[after] = claims[0]
            self._held |= {claim.ref: claim for claim in claims}
            self._promised -= promised
            was_missed, self._is_missed = self._is_missed, False
        if was_missed:
            self._wake.set()

    def _hand_out(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._pool.submit(self._work_off, claim, self._handle)

    def _patience(self) -> float:
        """Nobody tells when a rate limit has room again: that is looked at when it has."""
        opening = self._store.reader.gate().next_opening
        if opening is None:
            return LOOK_ANYWAY_S
        return min(max(opening - self._store.clock.now(), SOONEST_LOOK_S), LOOK_ANYWAY_S)

    def _work_off(self, claim: Claim, handle: Handler) -> None:
        """Do a task, and then what was claimed for its place."""
        following: Claim | None = claim
        while following is not None:
            following = self._do(following, handle)

    def _do(self, claim: Claim, handle: Handler) -> Claim | None:
        """Do a task; what follows in its place."""
        with concerning(claim.id, claim.task.run_id):
            try:
                handle(claim)
            except Exception:
                logger.exception("task %s: its road broke off; its lease will run out", claim.id)
        with self._idle:
            self._held.pop(claim.ref, None)
            self._placeless.discard(claim.ref)
            following = self._next.pop(claim.ref, None)
            self._idle.notify_all()
        if following is None:
            self._wake.set()
        return following

    def _beat(self, stop: threading.Event) -> None:
        """Keep leases alive, also while stopping, until nothing is held."""
        every = min(self._store.settings.heartbeat_s, self.who.lease_s / BEATS_IN_A_LEASE)
        while not (stop.wait(every) and not self.held()):
            try:
                for ref in self._store.heartbeat(self.who, self.held()):
                    self.on_lost(ref)
            except StoreError as error:
                logger.error("no heartbeat: %s", error)
            if stop.is_set():
                threading.Event().wait(min(every, 1.0))

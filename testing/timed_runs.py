"""A run of the daemon in a clock's time: attempts last, are ended by their limits, and wait in between."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from errors import ModelTimeout
from execution import outcomes
from execution.attempt import Attempt
from execution.contract import CycleRequest
from execution.running import Running
from outcome import Outcome
from safety.sandbox import Ended
from store import recording, run_steering
from store.claims import Claimant
from store.outputs import StoredOutput
from store.records import Claim
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.durable_runs import DurableRuns
from testing.timed_slots import Deed, Deeds
from tool_router import NO_ROUTE


@dataclass(frozen=True, slots=True)
class _Flight:
    claim: Claim
    deed: Deed
    #: Unix seconds
    ends: float


class TimedRuns(DurableRuns):
    """A worker and its leader, to whom what is to be done next happens when its time has come.

    Parameters:
        clock: the store's.
    """

    def __init__(self, store: SqliteStore, who: Claimant, clock: FakeClock) -> None:
        super().__init__(store, who, self._text)
        self.clock = clock
        #: what attempts do
        self.deeds: Deeds = lambda name, attempt: Deed()
        self._in_the_air: list[_Flight] = []
        self._landing: Deed = Deed()

    def turn(self) -> bool:
        """Claim what may start, and let the time pass to what is next; false where there is nothing."""
        self.claim()
        self._in_the_air += self._taking_off()
        now = self.clock.now()
        soonest = min(self._in_the_air, key=self._end_of, default=None)
        ends = math.inf if soonest is None else self._end_of(soonest)
        due = max(now, self._next_duty())
        if min(ends, due) == math.inf:
            return False
        self.clock.advance(min(ends, due) - now)
        if soonest is not None and ends <= due:
            self._in_the_air.remove(soonest)
            self._land(soonest)
        else:
            self._do_duties()
        return True

    def _taking_off(self) -> Iterator[_Flight]:
        while self.flying:
            claim = self.flying.popleft()
            deed = self.deeds(claim.id.partition(":")[2], claim.attempt)
            yield _Flight(claim, deed, self.clock.now() + deed.lasts(claim.task.timeout_s))

    def _end_of(self, flight: _Flight) -> float:
        return self.clock.now() if self._is_withdrawn(flight.claim) else flight.ends

    def _is_withdrawn(self, claim: Claim) -> bool:
        row = self.store.reader.task(claim.id)
        return row is not None and bool(row["cancel_requested"])

    def _next_duty(self) -> float:
        """When the leader has something to do."""
        rows = [self.store.reader.one(name) for name in ("next_due", "next_run_deadline")]
        moments = [row["moment"] for row in rows if row is not None]
        return min((float(each) for each in moments if each is not None), default=math.inf)

    def _do_duties(self) -> None:
        self.store.write(run_steering.end_overdue)
        self.store.promote_due()

    def _land(self, flight: _Flight) -> None:
        claim = flight.claim
        self._settle(claim, flight.deed)
        if self._is_withdrawn(claim):
            self.store.write(lambda tx: recording.cancel_running(tx, claim.ref, "a test"))
        elif flight.deed.is_late(claim.task.timeout_s):
            self._judge.conclude(claim, late(claim, flight), NO_ROUTE, random.Random(1))
        else:
            self._landing = flight.deed
            self._end(claim)

    def _settle(self, claim: Claim, deed: Deed) -> None:
        """Book what an attempt used. Here none costs anything."""

    def _text(self, name: str) -> str:
        return self._landing.text(name)


def late(claim: Claim, flight: _Flight) -> Outcome:
    """What swarm says of an attempt that its time limit ended, which had said nothing until then."""
    limit_s, mode = claim.task.timeout_s or 0.0, claim.task.mode
    request = CycleRequest(task_id=claim.id, lease=claim.ref.lease)
    attempt = Attempt(Running(claim.ref, mode, flight.ends - limit_s), claim.seq, claim.task, request)
    nothing = StoredOutput("", 0, 0, "")
    if mode == "llm":
        error = ModelTimeout(f"no answer within {limit_s:g} s")
        found = outcomes.of_model_error(attempt, error, nothing, {})
    else:
        found = outcomes.of_command(attempt, Ended(-15, "time", limit_s, limit_s), nothing, {})
    return found.model_copy(update={"output_ref": None})

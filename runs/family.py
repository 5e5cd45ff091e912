"""A run on its way with all runs within it: each by its own policy, in one thread and the same slots.

A run is looked at when something happened to it: an attempt of its ended, its time has come, a run within it
ended or the one above it stops. Beside that, slots that are free go to the outermost run and then to those
that have waited longest, and money that came back is offered to all that lack it. So what a turn costs does
not depend on how many runs there are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from run_contract.records import Run
from runs.batch_turns import BatchTurns
from runs.control import RunControl
from runs.driving import Drive
from runs.parts import Parts
from runs.work import Ended


class Family:
    """Drives a run and all within it. Everything happens in the thread that calls `go`."""

    def __init__(self, parts: Parts, run: Run, control: RunControl) -> None:
        self._parts = parts
        self._control = control
        self._run = run
        #: those that go on, by the ids of their runs, a run before those within it
        self._drives: dict[str, Drive] = {}
        self._top = self._drive(run, None)
        #: of the runs within: who waits for a slot, for money, and for a moment
        self._hungry: dict[str, Drive] = {}
        self._short: dict[str, Drive] = {}
        self._timed: dict[str, Drive] = {}

    def go(self) -> Run:
        """Drive the run to its end."""
        executor = self._parts.executor
        self._control.attach(executor.wake)
        self._top.begin()
        try:
            concerned = [self._top]
            while not self._is_over(concerned):
                concerned = self._concerned(executor.next_end(self._patience()))
        finally:
            self._control.close()
        return self._run

    def _drive(self, run: Run, above: Drive | None) -> Drive:
        kind = BatchTurns if run.policy.mode == "batch" else Drive
        drive = self._drives[run.id] = kind(self._parts, run, self._control, above)
        return drive

    def _concerned(self, ended: Ended | None) -> list[Drive]:
        """The runs for which an end, or the time that went by, changes something; the outermost first."""
        top = self._top
        if len(self._drives) == 1:
            if ended is not None:
                top.take(ended)
            return [top]
        found = [top, *(drive for drive in self._timed.values() if drive.patience() == 0.0)]
        if ended is not None:
            drive = self._drives[ended.job.run_id]
            drive.take(ended)
            for each in (top, *self._short.values()):
                each.board.settling.gave_back = True
            found += [drive, *self._short.values()]
        return found

    def _is_over(self, concerned: list[Drive]) -> bool:
        """Look at these runs, at those that begin meanwhile, and at those that what is found concerns."""
        while True:
            for drive in concerned:  # grows while it is read
                if drive.run.id in self._drives:
                    concerned += self._looked_at(drive)
            if not self._drives:
                return True
            concerned = [*self._next_for_a_slot(), *self._next_without_money()]
            if not concerned:
                return False

    def _looked_at(self, drive: Drive) -> list[Drive]:
        """Look at one run; those that are to be looked at for its sake."""
        if drive.is_over():
            return self._ended(drive)
        if drive.above is not None:
            board = drive.board
            is_open = board.outcome is None
            self._note(self._hungry, drive, is_open and len(board.queue) > 0)
            self._note(self._short, drive, is_open and board.lacks_money)
            self._note(self._timed, drive, drive.patience() is not None)
        return [*self._begun_in(drive), *self._to_be_stopped(drive)] if drive.board.within else []

    def _ended(self, drive: Drive) -> list[Drive]:
        del self._drives[drive.run.id]
        for waiting in (self._hungry, self._short, self._timed):
            waiting.pop(drive.run.id, None)
        run = drive.finish()
        if drive.above is None:
            return []
        drive.above.take_run(run)
        return [drive.above]

    @staticmethod
    def _note(waiting: dict[str, Drive], drive: Drive, waits: bool) -> None:
        """Keep who waits, in the order in which they came."""
        if waits:
            waiting.setdefault(drive.run.id, drive)
        else:
            waiting.pop(drive.run.id, None)

    def _begun_in(self, drive: Drive) -> Iterator[Drive]:
        begun, drive.board.begun = drive.board.begun, []
        for run in begun:
            inner = self._drive(run, drive)
            inner.begin()
            yield inner

    def _to_be_stopped(self, drive: Drive) -> Iterator[Drive]:
        if drive.board.outcome is not None:
            inner = (self._drives[run.id] for run in drive.board.within.values())
            yield from (each for each in inner if each.board.outcome is None)

    def _next_for_a_slot(self) -> list[Drive]:
        """Who is next where a slot is free."""
        if not self._hungry or self._parts.executor.free <= 0:
            return []
        return list(itertools.islice((each for each in self._hungry.values() if each.board.free > 0), 1))

    def _next_without_money(self) -> list[Drive]:
        """Who is next to lack money that nothing will give back, which was not so when it was looked at."""
        if not self._short or self._top.board.is_busy:
            return []
        waiting = (self._top, *self._short.values())
        return list(
            itertools.islice((each for each in waiting if each.board.lacks_money and each.board.free > 0), 1)
        )

    def _patience(self) -> float | None:
        """Seconds until something is to be done that no end brings about; none: for ever."""
        if len(self._drives) == 1:
            return self._top.patience()
        waiting = (self._top, *self._timed.values())
        return min((each for drive in waiting if (each := drive.patience()) is not None), default=None)

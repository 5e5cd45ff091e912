"""Holding the log against the store: every line, every file, from the first to the last.

A good line is exactly what the store's event gives, so the quick way is to make the line again and compare
bytes; only a line that differs is taken apart to say how. Runs beside a daemon that writes.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final, NamedTuple

from host_platform import is_lock_held
from settings import Home
from store import database
from store.execution_log.chain import GENESIS, Problem, check_line, disagreement, render
from store.execution_log.files import LONGEST_LINE, LogFiles, Rotated
from store.execution_log.history import EXPORTED_FROM, EXPORTED_SEQ, History
from store.execution_log.walk import LogWalk, OpenFile

Progress = Callable[[int, int], None]

PATIENCE_S: Final = 0.5  # a line that is being written is whole after this
_LINES_PER_PROGRESS: Final = 1000


class FirstBad(NamedTuple):
    """The first thing that is wrong."""

    file: str
    #: from 1; one after the last where something is missing at the end
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What the log is worth."""

    ok: bool
    #: good lines
    lines: int
    #: files looked at
    files: int
    first_bad: FirstBad | None
    #: what a person should know though it is no error; empty when nothing
    note: str


def verify(
    home: Home,
    *,
    progress: Progress | None = None,
    open_reader: Callable[[], sqlite3.Connection] | None = None,
    leader_runs: Callable[[], bool] | None = None,
    patience_s: float = PATIENCE_S,
) -> VerifyResult:
    """Check the whole log of a home. Raises `StoreError` where the store or a file cannot be read."""
    history = History(open_reader or partial(database.open_reader, home.database))
    check = _Check(home, history, leader_runs or partial(is_lock_held, home.leader_lock), patience_s)
    first_bad = None
    try:
        with database.translated(home.log_file):
            check.run(progress or _no_progress)
    except _Bad as bad:
        first_bad = FirstBad(check.file, check.number, bad.what)
    finally:
        history.close()
    return VerifyResult(first_bad is None, check.lines, check.files, first_bad, " ".join(check.notes))


def _no_progress(_done: int, _total: int) -> None:
    pass


class _Bad(Exception):
    """Something is wrong at the place the check has come to."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class _Check:
    """One walk through the log."""

    def __init__(
        self, home: Home, history: History, leader_runs: Callable[[], bool], patience_s: float
    ) -> None:
        self._walk = LogWalk(LogFiles(home.log_file))
        self._history = history
        self._leader_runs = leader_runs
        self._patience_s = patience_s
        self._seq = 0
        self._prev: str | None = None
        self.file = home.log_file.name
        self.number = 1
        self.lines = 0
        self.files = 0
        self.notes: list[str] = []

    def run(self, progress: Progress) -> None:
        """Look at everything. Raises `_Bad`."""
        # Read before the files are: what is noted then is on disk when they are read.
        known = self._history.number(EXPORTED_SEQ) or 0
        done = 0
        for file in self._walk.files():
            self.files += 1
            self.file, self.number = file.path.name, 1
            total = max(self._walk.total(), done + file.size())
            for raw in self._lines(file):
                self._line(raw, file.rotated)
                done += len(raw)
                if self.lines % _LINES_PER_PROGRESS == 0:
                    progress(done, max(done, total))
            if file.rotated is not None and self._seq != file.rotated.last:
                raise _Bad(f"the file ends with event {self._seq}, by its name with {file.rotated.last}")
            progress(done, max(done, total))
        if self._seq < known:
            way_out = "start Skep: it writes them again"
            raise _Bad(f"events {self._seq + 1} to {known} are missing at the end; {way_out}")

    def _lines(self, file: OpenFile) -> Iterator[bytes]:
        for raw in self._walk.lines(file):
            whole = raw
            if not raw.endswith(b"\n") and file.rotated is None:
                whole = self._rest_of(file.handle, file.handle.tell() - len(raw))
            if not whole:
                self._walk.stop()
                return
            yield whole
            self.number += 1

    def _rest_of(self, handle: BinaryIO, start: int) -> bytes:
        """The line that is being written; empty when it was taken back or its writer still lives."""
        until = time.monotonic() + self._patience_s
        while True:
            handle.seek(start)
            raw = handle.readline(LONGEST_LINE)
            if not raw or raw.endswith(b"\n"):
                return raw
            if time.monotonic() >= until:
                break
            time.sleep(0.02)
        if self._leader_runs():
            self.notes.append("The last line is still being written.")
            return b""
        raise _Bad(
            "a torn tail: the last line has no end. Start Skep: it keeps the piece aside and writes it anew"
        )

    def _line(self, raw: bytes, rotated: Rotated | None) -> None:
        row = self._history.row(self._seq + 1) if self._prev is not None else None
        if row is not None and self._prev is not None:
            expected, digest = render(row, self._prev)
            if raw == expected:
                self._go_on(self._seq + 1, digest, rotated)
                return
        self._look_closer(raw, rotated)

    def _look_closer(self, raw: bytes, rotated: Rotated | None) -> None:
        """A line that is not what the store gives, or the very first."""
        line = check_line(raw)
        if isinstance(line, Problem):
            raise _Bad(line.what)
        if self._prev is None:
            self._seq, self._prev = self._before(line.seq, line.prev, rotated)
        if line.seq != self._seq + 1:
            raise _Bad(f"event {line.seq} stands where event {self._seq + 1} belongs")
        if line.prev != self._prev:
            raise _Bad("the chain is broken: the line does not continue the one before")
        row = self._history.row(line.seq)
        if row is None:
            raise _Bad(f"the store has no event {line.seq}")
        if fields := disagreement(line, row):
            raise _Bad(f"event {line.seq} is another than the store's, in: {fields}")
        self._go_on(line.seq, line.hash, rotated)

    def _before(self, seq: int, prev: str, rotated: Rotated | None) -> tuple[int, str]:
        """What came before the first line there is: nothing, or files that were archived away."""
        first = rotated.first if rotated else self._history.number(EXPORTED_FROM) or 1
        if seq == 1 or seq != first:
            return (0 if seq == 1 else first - 1), GENESIS
        self.notes.append(
            f"Events 1 to {seq - 1} are not here: their files were moved away. "
            f"The hash before event {seq} is taken on trust."
        )
        return seq - 1, prev

    def _go_on(self, seq: int, digest: str, rotated: Rotated | None) -> None:
        if rotated is not None and self.number == 1 and seq != rotated.first:
            raise _Bad(f"the file begins with event {seq}, by its name with {rotated.first}")
        self._seq, self._prev = seq, digest
        self.lines += 1

"""Holding a copy against the store: every line, every file, from the first to the last.

A good line is exactly what the store's row gives, so the quick way is to make the line again and compare
bytes; only a line that differs is taken apart to say how. Runs beside a daemon that writes.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from clock import to_rfc3339
from store import database
from store.chained_log.book import BROKEN_CHAIN, Book, Problem
from store.chained_log.files import LONGEST_LINE, LogFiles, Rotated
from store.chained_log.history import History
from store.chained_log.walk import LogWalk, OpenFile

Progress = Callable[[int, int], None]

PATIENCE_S: Final = 0.5  # a line that is being written is whole after this
#: Seconds after which a row that has not been written is told of.
UNWRITTEN_S: Final = 2.0
_LINES_PER_PROGRESS: Final = 1000


class FirstBad(NamedTuple):
    """The first thing that is wrong."""

    file: str
    #: from 1; one after the last where something is missing at the end
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a copy is worth."""

    ok: bool
    #: good lines
    lines: int
    #: files looked at
    files: int
    first_bad: FirstBad | None
    #: what a person should know though it is no error; empty when nothing
    note: str
    #: the last good line: its row, and what it is sealed with
    seq: int = 0
    seal: str = ""


class Bad(Exception):
    """Something is wrong at the place the check has come to."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def _no_progress(_done: int, _total: int) -> None:
    pass


class Check:
    """One walk through a copy."""

    def __init__(
        self,
        book: Book,
        current: Path,
        open_reader: Callable[[], sqlite3.Connection],
        leader_runs: Callable[[], bool],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._book = book
        self._current = current
        self._walk = LogWalk(LogFiles(current))
        self._history = History(open_reader, book)
        self._leader_runs = leader_runs
        self._patience_s = patience_s
        self._seq = 0
        self._prev: str | None = None
        self._file = current.name
        self._number = 1
        self._lines = 0
        self._files = 0
        self._notes: list[str] = []

    def result(self, progress: Progress | None = None) -> VerifyResult:
        """Look at everything. Raises `StoreError` where the store or a file cannot be read."""
        first_bad = None
        try:
            with database.translated(self._current):
                self._run(progress or _no_progress)
        except Bad as bad:
            first_bad = FirstBad(self._file, self._number, bad.what)
        finally:
            self._history.close()
        note = " ".join(self._notes)
        return VerifyResult(
            first_bad is None, self._lines, self._files, first_bad, note, self._seq, self._prev or ""
        )

    # -- what a copy may ask besides -----------------------------------------------------------------------

    def _passed(self, seq: int, seal: str, row: sqlite3.Row) -> None:
        """A line agrees with its row and continues the one before. Raises `Bad`."""

    def _ended(self) -> None:
        """The last line was looked at. Raises `Bad`."""

    # -- the walk ------------------------------------------------------------------------------------------

    def _run(self, progress: Progress) -> None:
        # Read before the files are: what is noted then is on disk when they are read.
        known = self._history.exported()
        done = 0
        for file in self._walk.files():
            self._files += 1
            self._file, self._number = file.path.name, 1
            total = max(self._walk.total(), done + file.size())
            for raw in self._lines_of(file):
                self._line(raw, file.rotated)
                done += len(raw)
                if self._lines % _LINES_PER_PROGRESS == 0:
                    progress(done, max(done, total))
            if file.rotated is not None and self._seq != file.rotated.last:
                ends = f"the file ends with {self._book.row} {self._seq}"
                raise Bad(f"{ends}, by its name with {file.rotated.last}")
            progress(done, max(done, total))
        if self._seq < known:
            missing = f"{self._book.row}s {self._seq + 1} to {known} are missing at the end"
            raise Bad(f"{missing}; start Skep: it writes them again")
        self._note_unwritten()
        self._ended()

    def _note_unwritten(self) -> None:
        """Say so where the store has rows that whoever leads should have written by now."""
        row = self._history.row(self._seq + 1)
        is_late = row is not None and row["ts"] < to_rfc3339(time.time() - UNWRITTEN_S)
        if is_late and self._leader_runs():
            self._notes.append(
                f"{self._book.row.capitalize()}s from {self._seq + 1} on are in the store alone, though Skep "
                "runs and should have written them; its messages say why."
            )

    def _lines_of(self, file: OpenFile) -> Iterator[bytes]:
        for raw in self._walk.lines(file):
            whole = raw
            if not raw.endswith(b"\n") and file.rotated is None:
                whole = self._rest_of(file.handle, file.handle.tell() - len(raw))
            if not whole:
                self._walk.stop()
                return
            yield whole
            self._number += 1

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
            self._notes.append("The last line is still being written.")
            return b""
        raise Bad(
            "a torn tail: the last line has no end. Start Skep: it keeps the piece aside and writes it anew"
        )

    def _line(self, raw: bytes, rotated: Rotated | None) -> None:
        row = self._history.row(self._seq + 1) if self._prev is not None else None
        if row is not None and self._prev is not None:
            expected, seal = self._book.chain.render(row, self._prev)
            if raw == expected:
                self._go_on(row, seal, rotated)
                return
        self._look_closer(raw, rotated)

    def _look_closer(self, raw: bytes, rotated: Rotated | None) -> None:
        """A line that is not what the store gives, or the very first."""
        chain, what = self._book.chain, self._book.row
        line = chain.check_line(raw)
        if isinstance(line, Problem):
            raise Bad(line.what)
        if self._prev is None:
            self._seq, self._prev = self._before(line.seq, line.prev, rotated)
        if line.seq != self._seq + 1:
            raise Bad(f"{what} {line.seq} stands where {what} {self._seq + 1} belongs")
        if line.prev != self._prev:
            raise Bad(BROKEN_CHAIN)
        row = self._history.row(line.seq)
        if row is None:
            raise Bad(f"the store has no {what} {line.seq}")
        if fields := chain.disagreement(line, row):
            raise Bad(f"{what} {line.seq} is another than the store's, in: {fields}")
        self._go_on(row, line.seal, rotated)

    def _before(self, seq: int, prev: str, rotated: Rotated | None) -> tuple[int, str]:
        """What came before the first line there is: nothing, or files that were archived away."""
        genesis = self._book.chain.genesis
        first = rotated.first if rotated else self._history.exported_from() or 1
        if seq == 1 or seq != first:
            return (0 if seq == 1 else first - 1), genesis
        self._notes.append(
            f"{self._book.row.capitalize()}s 1 to {seq - 1} are not here: their files were moved away. "
            f"What {self._book.row} {seq} continues is taken on trust."
        )
        return seq - 1, prev

    def _go_on(self, row: sqlite3.Row, seal: str, rotated: Rotated | None) -> None:
        seq: Any = row["seq"]
        if rotated is not None and self._number == 1 and seq != rotated.first:
            begins = f"the file begins with {self._book.row} {seq}"
            raise Bad(f"{begins}, by its name with {rotated.first}")
        self._passed(seq, seal, row)
        self._seq, self._prev = seq, seal
        self._lines += 1

"""Where a copy ends, after whatever happened to it: found at start, from the last lines alone.

What was flushed to disk is known (`Book.exported_seq`), so only lines after that row can have been torn by a
crash. They are held against the store one by one; the first that is not what the store says ends the copy.
A line that is damaged is a torn tail: it is cut off and written again. A line that is whole and yet not
ours means that the file is another's, and it is moved aside. Nothing that stood in a file is thrown away.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from store.chained_log.book import Book, Line, Repair
from store.chained_log.files import LogFiles, Rotated, lines_of, open_to_append, open_to_read
from store.chained_log.history import History

_FIRST_STEP_BACK: Final = 64 * 1024  # bytes from the end; doubles until a line that was flushed is met


@dataclass(frozen=True, slots=True)
class End:
    """The last good line: its row, its seal, and where it ends in its file."""

    seq: int
    seal: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Recovered:
    """Where to go on."""

    end: End
    #: first row of the current file
    first: int
    #: whether there is a current file to go on with
    exists: bool
    repairs: list[Repair]


Verdict = Literal["good", "torn", "foreign"]


def recover(files: LogFiles, history: History, book: Book) -> Recovered:
    """Bring the files into order and say where the copy ends."""
    return _Recovery(files, history, book).run()


class _Recovery:
    """One look at the files of a copy, and what it takes to put them right."""

    def __init__(self, files: LogFiles, history: History, book: Book) -> None:
        self._files = files
        self._history = history
        self._book = book
        self._chain = book.chain
        self._known = history.exported()
        self._repairs: list[Repair] = []

    def run(self) -> Recovered:
        while True:
            is_there = os.path.lexists(self._files.current)
            if not is_there or self._is_empty():
                newest = self._newest()
                end, verdict = self._end_of_rotated(newest) if newest else (self._start(), "good")
                if newest is not None and verdict != "good":
                    # The end of a full file is damaged: it becomes the current one again, in the place of one
                    # that holds nothing, and is repaired as such.
                    newest.path.rename(self._files.current)
                elif not is_there:
                    return self._fresh(End(end.seq, end.seal))
            if (found := self._recover_current()) is not None:
                return found

    def _is_empty(self) -> bool:
        found = self._files.current.lstat()
        return stat.S_ISREG(found.st_mode) and found.st_size == 0

    def _start(self) -> End:
        return End(0, self._chain.genesis)

    def _newest(self) -> Rotated | None:
        return next(reversed(self._files.rotated()), None)

    def _fresh(self, end: End) -> Recovered:
        if self._known > end.seq and not self._repairs:
            self._repairs.append(Repair("missing", f"{self._book.name} was missing; {self._again(end)}"))
        return Recovered(end, end.seq + 1, exists=False, repairs=self._repairs)

    def _again(self, end: End) -> str:
        return f"it is written again from {self._book.row} {end.seq + 1}"

    def _recover_current(self) -> Recovered | None:
        """Repair the current file; none when it had to be moved aside."""
        book = self._book
        before = self._end_before()
        with open_to_read(self._files.current) as handle:
            end, verdict = self._find_end(handle, before, self._known)
            size = handle.seek(0, os.SEEK_END)
        if verdict == "foreign":
            kept = self._files.set_aside(self._files.current, "foreign")
            what = f"{book.name} holds {book.row}s that are not this home's"
            reason = f"{what}; it was moved aside and is written again"
            self._repairs.append(Repair("foreign", reason, kept.name, size))
            return None
        if verdict == "torn":
            self._repairs.append(self._cut(end, size))
        elif self._known > end.seq:
            reason = f"{book.name} ended before {book.row} {self._known}; {self._again(end)}"
            self._repairs.append(Repair("shorter", reason))
        return Recovered(end, self._first_of_current(end), exists=True, repairs=self._repairs)

    def _cut(self, end: End, size: int) -> Repair:
        handle = open_to_append(self._files.current, new=False)
        try:
            kept = self._files.keep_tail(handle, end.offset)
            os.ftruncate(handle, end.offset)
            os.fsync(handle)
        finally:
            os.close(handle)
        reason = f"a torn tail of {self._book.name} was cut off; {self._again(end)}"
        return Repair("torn", reason, kept.name, size - end.offset)

    def _first_of_current(self, end: End) -> int:
        """By the files before it and by what was noted, not by its first line, which anybody may remove."""
        newest = self._newest()
        noted = self._history.exported_from() or 1
        first = max(newest.last + 1 if newest else 1, noted if noted <= end.seq else 1)
        return end.seq + 1 if end.offset == 0 else first

    def _end_before(self) -> End | None:
        newest = self._newest()
        if newest is None:
            return None
        end, verdict = self._end_of_rotated(newest)
        return End(end.seq, end.seal) if verdict == "good" else None

    def _end_of_rotated(self, rotated: Rotated) -> tuple[End, Verdict]:
        with open_to_read(rotated.path) as handle:
            end, verdict = self._find_end(handle, None, rotated.last)
        return end, "torn" if verdict == "good" and end.seq != rotated.last else verdict

    def _find_end(self, handle: BinaryIO, before: End | None, known: int) -> tuple[End, Verdict]:
        """The last good line of a file that goes on after `before` (none: taken on trust)."""
        start = self._step_back(handle, known)
        handle.seek(start)
        first = self._chain.check_line(handle.readline()) if start or before is None else None
        if isinstance(first, Line) and first.seq > 1:
            before = End(first.seq - 1, first.prev)
        end = before or self._start()
        handle.seek(start)
        return self._walk(handle, End(end.seq, end.seal, start))

    def _step_back(self, handle: BinaryIO, known: int) -> int:
        """Where a line starts that is near the end and was flushed; the file's start where there is none."""
        size = handle.seek(0, os.SEEK_END)
        back = _FIRST_STEP_BACK
        while back < size:
            handle.seek(size - back)
            handle.readline()  # we came down in the middle of a line
            start = handle.tell()
            line = self._chain.check_line(handle.readline())
            if isinstance(line, Line) and line.seq <= known:
                return start
            back *= 2
        return 0

    def _walk(self, handle: BinaryIO, end: End) -> tuple[End, Verdict]:
        chain = self._chain
        for raw in lines_of(handle):
            row = self._history.row(end.seq + 1)
            expected, seal = chain.render(row, end.seal) if row is not None else (b"", "")
            if raw != expected:
                line = chain.check_line(raw, end.seal)
                if not isinstance(line, Line) or line.seq != end.seq + 1:
                    return end, "torn"
                if row is None or chain.disagreement(line, row):
                    return end, "foreign"
                seal = line.seal
            end = End(end.seq + 1, seal, end.offset + len(raw))
        return end, "good"

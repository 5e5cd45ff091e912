"""Where the log ends, after whatever happened to it: found at start, from the last lines alone.

What was flushed to disk is known (`exported_seq`), so only lines after that event can have been torn by a
crash. They are held against the store one by one; the first that is not what the store says ends the log.
A line that is damaged is a torn tail: it is cut off and written again. A line that is whole and yet not
ours means that the file is another's, and it is moved aside. Nothing that stood in a file is thrown away.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from store.execution_log.chain import GENESIS, Line, check_line, disagreement, render
from store.execution_log.files import LogFiles, Rotated, lines_of, open_to_append, open_to_read
from store.execution_log.history import EXPORTED_FROM, EXPORTED_SEQ, History

_FIRST_STEP_BACK: Final = 64 * 1024  # bytes from the end; doubles until a line that was flushed is met


@dataclass(frozen=True, slots=True)
class End:
    """The last good line: its event, its hash, and where it ends in its file."""

    seq: int = 0
    hash: str = GENESIS
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Repair:
    """What was wrong with the log and what was done."""

    code: Literal["torn", "foreign", "shorter", "missing"]
    reason: str
    #: name of the file that keeps what was taken out
    file: str | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Recovered:
    """Where to go on."""

    end: End
    #: first event of the current file
    first: int
    #: whether there is a current file to go on with
    exists: bool
    repairs: list[Repair]


Verdict = Literal["good", "torn", "foreign"]


def recover(files: LogFiles, history: History) -> Recovered:
    """Bring the files into order and say where the log ends."""
    known = history.number(EXPORTED_SEQ) or 0
    repairs: list[Repair] = []
    while True:
        if not os.path.lexists(files.current):
            newest = _newest(files)
            end, verdict = _end_of_rotated(newest, history) if newest else (End(), "good")
            if newest is None or verdict == "good":
                return _fresh(End(end.seq, end.hash), known, repairs)
            # The end of a full file is damaged: it becomes the current one again and is repaired as such.
            newest.path.rename(files.current)
        if (found := _recover_current(files, history, known, repairs)) is not None:
            return found


def _newest(files: LogFiles) -> Rotated | None:
    return next(reversed(files.rotated()), None)


def _fresh(end: End, known: int, repairs: list[Repair]) -> Recovered:
    if known > end.seq and not repairs:
        repairs = [Repair("missing", f"the log was missing; it is written again from event {end.seq + 1}")]
    return Recovered(end, end.seq + 1, exists=False, repairs=repairs)


def _recover_current(
    files: LogFiles, history: History, known: int, repairs: list[Repair]
) -> Recovered | None:
    """Repair the current file; none when it had to be moved aside."""
    before = _end_before(files, history)
    with open_to_read(files.current) as handle:
        end, verdict = _find_end(handle, before, history, known)
        size = handle.seek(0, os.SEEK_END)
    if verdict == "foreign":
        kept = files.set_aside(files.current, "foreign")
        reason = "the log holds events that are not this home's; it was moved aside and is written again"
        repairs.append(Repair("foreign", reason, kept.name, size))
        return None
    if verdict == "torn":
        repairs.append(_cut(files, end, size))
    elif known > end.seq:
        reason = f"the log ended before event {known}; it is written again from event {end.seq + 1}"
        repairs.append(Repair("shorter", reason))
    return Recovered(end, _first_of_current(files, history, end), exists=True, repairs=repairs)


def _cut(files: LogFiles, end: End, size: int) -> Repair:
    handle = open_to_append(files.current, new=False)
    try:
        kept = files.keep_tail(handle, end.offset)
        os.ftruncate(handle, end.offset)
        os.fsync(handle)
    finally:
        os.close(handle)
    reason = f"a torn tail of the log was cut off; it is written again from event {end.seq + 1}"
    return Repair("torn", reason, kept.name, size - end.offset)


def _first_of_current(files: LogFiles, history: History, end: End) -> int:
    """By the files before it and by what was noted, not by its first line, which anybody may have removed."""
    newest = _newest(files)
    noted = history.number(EXPORTED_FROM) or 1
    first = max(newest.last + 1 if newest else 1, noted if noted <= end.seq else 1)
    return end.seq + 1 if end.offset == 0 else first


def _end_before(files: LogFiles, history: History) -> End | None:
    newest = _newest(files)
    if newest is None:
        return None
    end, verdict = _end_of_rotated(newest, history)
    return End(end.seq, end.hash) if verdict == "good" else None


def _end_of_rotated(rotated: Rotated, history: History) -> tuple[End, Verdict]:
    with open_to_read(rotated.path) as handle:
        end, verdict = _find_end(handle, None, history, rotated.last)
    return end, "torn" if verdict == "good" and end.seq != rotated.last else verdict


def _find_end(handle: BinaryIO, before: End | None, history: History, known: int) -> tuple[End, Verdict]:
    """The last good line of a file that goes on after `before` (none: taken on trust)."""
    start = _step_back(handle, known)
    handle.seek(start)
    first = check_line(handle.readline()) if start or before is None else None
    if isinstance(first, Line) and first.seq > 1:
        before = End(first.seq - 1, first.prev)
    end = before or End()
    handle.seek(start)
    return _walk(handle, End(end.seq, end.hash, start), history)


def _step_back(handle: BinaryIO, known: int) -> int:
    """Where a line starts that is near the end and was flushed; the start of the file where there is none."""
    size = handle.seek(0, os.SEEK_END)
    back = _FIRST_STEP_BACK
    while back < size:
        handle.seek(size - back)
        handle.readline()  # we came down in the middle of a line
        start = handle.tell()
        line = check_line(handle.readline())
        if isinstance(line, Line) and line.seq <= known:
            return start
        back *= 2
    return 0


def _walk(handle: BinaryIO, end: End, history: History) -> tuple[End, Verdict]:
    for raw in lines_of(handle):
        row = history.row(end.seq + 1)
        expected, digest = render(row, end.hash) if row is not None else (b"", "")
        if raw != expected:
            line = check_line(raw, end.hash)
            if not isinstance(line, Line) or line.seq != end.seq + 1:
                return end, "torn"
            if row is None or disagreement(line, row):
                return end, "foreign"
            digest = line.hash
        end = End(end.seq + 1, digest, end.offset + len(raw))
    return end, "good"

"""Reading ``execution_log.jsonl`` the other way round: what it tells of events the store has lost.

Every line proves itself by its hash, so a line that is damaged costs itself and no other.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from errors import StoreError
from store.chained_log.book import Line
from store.chained_log.files import LogFiles, lines_of, open_to_read
from store.execution_log.chain import check_line, disagreement

_FIRST_STEP_BACK: Final = 64 * 1024
_SEQ: Final = re.compile(rb'\{"seq":(\d{1,18}),')
_TEXTS: Final = ("task_id", "status", "worker_id")


def last_logged(files: LogFiles) -> int:
    """The last event that a whole line tells of; 0 where there is none."""
    for path in _paths(files, after=0, newest_first=True):
        try:
            with open_to_read(path) as handle:
                seq = _last_of(handle)
        except (OSError, StoreError):
            continue
        if seq:
            return seq
    return 0


def _paths(files: LogFiles, after: int, *, newest_first: bool = False) -> list[Path]:
    try:
        found = [each.path for each in files.rotated() if each.last >= after]
    except OSError:
        found = []
    found.append(files.current)
    return found[::-1] if newest_first else found


def _last_of(handle: BinaryIO) -> int:
    size = handle.seek(0, os.SEEK_END)
    back = 0
    while back < size:
        back = min(size, back * 2 or _FIRST_STEP_BACK)
        handle.seek(size - back)
        for raw in reversed(handle.read(back).splitlines(keepends=True)):
            line = check_line(raw)
            if isinstance(line, Line):
                return line.seq
    return 0


def agrees_at(files: LogFiles, row: sqlite3.Row | None, seq: int) -> bool:
    """Whether the log is of the store that has this event; one that lacks the line is taken on trust."""
    for raw in _raw_lines(files, seq):
        found = _seq_of(raw)
        if found == seq:
            line = check_line(raw)
            return not isinstance(line, Line) or (row is not None and disagreement(line, row) is None)
        if found is not None and found > seq:
            break
    return True


def _seq_of(raw: bytes) -> int | None:
    match = _SEQ.match(raw)
    return int(match[1]) if match else None


def _raw_lines(files: LogFiles, after: int) -> Iterator[bytes]:
    for path in _paths(files, after):
        try:
            with open_to_read(path) as handle:
                yield from lines_of(handle)
        except (OSError, StoreError):
            continue


class OldLog:
    """What the log tells after an event, counted while it is read."""

    def __init__(self, files: LogFiles, after: int) -> None:
        self._files = files
        self._after = after
        #: lines that were taken
        self.lines = 0
        #: lines that are whole no more
        self.damaged = 0
        #: the last event taken, or the one it began after
        self.last = after

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for raw in _raw_lines(self._files, self._after):
            seq = _seq_of(raw)
            if seq is not None and seq <= self._after:
                continue
            line = check_line(raw)
            if isinstance(line, Line) and line.seq > self.last and _is_event(line.fields):
                self.last = line.seq
                self.lines += 1
                yield line.fields
            else:
                self.damaged += 1

    def first_of_current(self) -> int:
        """The first event of the file that is being written."""
        try:
            with open_to_read(self._files.current) as handle:
                line = check_line(handle.readline())
                if isinstance(line, Line):
                    return line.seq
        except (OSError, StoreError):
            pass
        rotated = self._files.rotated()
        return rotated[-1].last + 1 if rotated else 1


def _is_event(event: dict[str, Any]) -> bool:
    """Whether the columns of the event table can hold it."""
    return (
        type(event["seq"]) is int
        and type(event["ts"]) is str
        and type(event["event"]) is str
        and all(event.get(name) is None or type(event[name]) is str for name in _TEXTS)
        and (event.get("attempt") is None or type(event["attempt"]) is int)
    )

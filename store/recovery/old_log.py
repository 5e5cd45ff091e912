"""Reading a chained copy the other way round: what it tells of rows the store has lost.

Every line proves itself by its seal, so a line that is damaged costs itself and no other.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from errors import StoreError
from store.chained_log.book import Line, Problem
from store.chained_log.files import LogFiles, lines_of, open_to_read
from store.execution_log.chain import check_line, disagreement

_FIRST_STEP_BACK: Final = 64 * 1024
_TEXTS: Final = ("task_id", "status", "worker_id")


@dataclass(frozen=True, slots=True)
class OldForm:
    """How the lines of a copy are read."""

    #: what a line says, or what is wrong with it
    check: Callable[[bytes], Line | Problem]
    #: finds the number of a line without reading it
    seq: re.Pattern[bytes]
    #: whether a row of the store can hold it
    fits: Callable[[dict[str, Any]], bool]
    #: in what a line and a row differ
    disagreement: Callable[[Line, sqlite3.Row], str | None]


def _is_event(event: dict[str, Any]) -> bool:
    """Whether the columns of the event table can hold it."""
    return (
        type(event["seq"]) is int
        and type(event["ts"]) is str
        and type(event["event"]) is str
        and all(event.get(name) is None or type(event[name]) is str for name in _TEXTS)
        and (event.get("attempt") is None or type(event["attempt"]) is int)
    )


#: ``execution_log.jsonl``
OLD_EVENTS: Final = OldForm(check_line, re.compile(rb'^\{"seq":(\d{1,18}),'), _is_event, disagreement)


def last_logged(files: LogFiles) -> int:
    """The last event that a whole line tells of; 0 where there is none."""
    line = last_line(files)
    return 0 if line is None else line.seq


def last_line(files: LogFiles) -> Line | None:
    """The last whole line."""
    for path in _paths(files, after=0, newest_first=True):
        try:
            with open_to_read(path) as handle:
                line = _last_of(handle)
        except (OSError, StoreError):
            continue
        if line is not None:
            return line
    return None


def _paths(files: LogFiles, after: int, *, newest_first: bool = False) -> list[Path]:
    try:
        found = [each.path for each in files.rotated() if each.last >= after]
    except OSError:
        found = []
    found.append(files.current)
    return found[::-1] if newest_first else found


def _last_of(handle: BinaryIO) -> Line | None:
    size = handle.seek(0, os.SEEK_END)
    back = 0
    while back < size:
        back = min(size, back * 2 or _FIRST_STEP_BACK)
        handle.seek(size - back)
        for raw in reversed(handle.read(back).splitlines(keepends=True)):
            line = check_line(raw)
            if isinstance(line, Line):
                return line
    return None


def agrees_at(files: LogFiles, row: sqlite3.Row | None, seq: int, form: OldForm = OLD_EVENTS) -> bool:
    """Whether the copy is of the store that has this row; one that lacks the line is taken on trust."""
    for raw in _raw_lines(files, seq):
        found = _seq_of(raw, form)
        if found == seq:
            line = form.check(raw)
            return not isinstance(line, Line) or (row is not None and form.disagreement(line, row) is None)
        if found is not None and found > seq:
            break
    return True


def _seq_of(raw: bytes, form: OldForm) -> int | None:
    match = form.seq.search(raw)
    return int(match[1]) if match else None


def _raw_lines(files: LogFiles, after: int) -> Iterator[bytes]:
    for path in _paths(files, after):
        try:
            with open_to_read(path) as handle:
                yield from lines_of(handle)
        except (OSError, StoreError):
            continue


class OldLog:
    """What a copy tells after a row, counted while it is read."""

    def __init__(self, files: LogFiles, after: int, form: OldForm = OLD_EVENTS) -> None:
        self._files = files
        self._after = after
        self._form = form
        #: lines that were taken
        self.lines = 0
        #: lines that are whole no more
        self.damaged = 0
        #: the last row taken, or the one it began after
        self.last = after

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for raw in _raw_lines(self._files, self._after):
            seq = _seq_of(raw, self._form)
            if seq is not None and seq <= self._after:
                continue
            line = self._form.check(raw)
            if isinstance(line, Line) and line.seq > self.last and self._form.fits(line.fields):
                self.last = line.seq
                self.lines += 1
                yield line.fields
            else:
                self.damaged += 1

    def first_line(self) -> Line | None:
        """The first line of the oldest file, where it is whole."""
        raw = next(_raw_lines(self._files, 0), b"")
        line = self._form.check(raw)
        return line if isinstance(line, Line) else None

    def first_of_current(self) -> int:
        """The first row of the file that is being written."""
        try:
            with open_to_read(self._files.current) as handle:
                line = self._form.check(handle.readline())
                if isinstance(line, Line):
                    return line.seq
        except (OSError, StoreError):
            pass
        rotated = self._files.rotated()
        return rotated[-1].last + 1 if rotated else 1

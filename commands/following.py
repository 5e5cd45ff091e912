"""Following a task's output live until the task has its end, over as many attempts as it takes."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, Protocol

from commands import terminal
from commands.ends import code_of_end, needs_person
from commands.place import Place
from commands.task_view import loads
from errors import DaemonUnreachable
from runtime_contract import ENDED
from store.outputs import cut_told, follow, live_path, note_at_end, open_output, own_bytes
from store.reading import Reader
from store.records import STATUS_OF_STATE
from supervisor.daemon_state import look
from supervisor.presence import situation

POLL_S: Final = 0.05
#: Seconds between looks for a daemon.
LOOK_S: Final = 2.0
_BLOCK: Final = 64 * 1024


def blocks_of(stored: BinaryIO, end: int | None) -> Iterator[bytes]:
    """What is left of a stored output up to the byte `end`; none: to its last."""
    left = sys.maxsize if end is None else max(0, end - stored.tell())
    while left and (block := stored.read(min(_BLOCK, left))):
        left -= len(block)
        yield block


def without_note(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What is being written without a line at its end that may be the runner's own note about a cut.

    If it is the output's own it stands in what is stored, and is shown with that.
    """
    held = b""
    for piece in pieces:
        data = held + piece
        ready = len(data) - note_at_end(data)
        held = data[ready:]
        if ready:
            yield data[:ready]


def tell_cut(outcome: dict[str, Any]) -> None:
    """Tell on standard error what was not kept, where an output has no hand in the words."""
    told = cut_told(outcome)
    if told:
        terminal.note(told)


class Sink(Protocol):
    """Where output goes."""

    def begin(self, attempt: int) -> None:
        """What comes next is of this attempt."""

    def write(self, data: bytes) -> None:
        """Take a piece."""

    def finish(self) -> None:
        """No more comes."""


def follow_task(place: Place, reader: Reader, row: sqlite3.Row, sink: Sink) -> int:
    """Write a task's output as it comes; the exit code for its end. Raises `DaemonUnreachable`."""
    follower = _Follower(place, reader, sink, row["lease"])
    while True:
        code = follower.step(row)
        if code is not None:
            sink.finish()
            return code
        time.sleep(POLL_S)
        again = reader.task(row["id"])
        row = again if again is not None else row


class _Follower:
    """What has been shown of a task so far."""

    def __init__(self, place: Place, reader: Reader, sink: Sink, first_lease: int) -> None:
        self._place = place
        self._reader = reader
        self._sink = sink
        self._first_lease = first_lease
        #: bytes shown of each attempt, and the attempts that are shown whole, by lease
        self._shown: dict[int, int] = {}
        self._whole: set[int] = set()
        self._next_look = 0.0
        self._waits: str | None = None

    def step(self, row: sqlite3.Row) -> int | None:
        """Show what is new; the exit code once the task has ended or waits for a person."""
        if row["state"] == "running":
            self._follow_live(row)
        self._show_stored(row)
        if STATUS_OF_STATE[row["state"]] in ENDED:
            return code_of_end(row)
        if needs_person(self._reader, row):
            terminal.note(f"{row['id']} waiting for: {self._reader.waiting_for(row)}")
            return code_of_end(row)
        self._look_around(row)
        return None

    def _follow_live(self, row: sqlite3.Row) -> None:
        lease = row["lease"]
        path = live_path(self._place.home.outputs, f"{row['seq']}-{lease}")
        pieces = without_note(follow(path, lambda: self._is_over(row), POLL_S))
        self._sink.begin(row["attempts"])
        for piece in self._unseen(lease, pieces):
            self._sink.write(piece)

    def _is_over(self, row: sqlite3.Row) -> bool:
        now = self._reader.task(row["id"])
        return now is None or now["lease"] != row["lease"] or now["state"] != "running"

    def _unseen(self, lease: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """What has not been shown of an attempt's output, which is read from its beginning."""
        skip = self._shown.get(lease, 0)
        for piece in pieces:
            new = piece[skip:]
            skip -= min(skip, len(piece))
            self._shown[lease] = self._shown.get(lease, 0) + len(new)
            if new:
                yield new

    def _show_stored(self, row: sqlite3.Row) -> None:
        """What has not been shown of attempts that have ended: of those since the following began."""
        for attempt in self._reader.attempts(row["seq"]):
            lease = attempt["lease"]
            if lease < self._first_lease or lease in self._whole or attempt["outcome"] is None:
                continue
            self._whole.add(lease)
            outcome = loads(attempt["outcome"])
            ref = outcome.get("output_ref")
            if ref is not None:
                self._sink.begin(attempt["attempt"])
                with open_output(self._place.home.outputs, ref) as stored:
                    stored.seek(self._shown.get(lease, 0))
                    for block in blocks_of(stored, own_bytes(outcome)):
                        self._sink.write(block)
            tell_cut(outcome)

    def _look_around(self, row: sqlite3.Row) -> None:
        """Say once what is waited for; give up where no daemon runs."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_S
        if not look(self._place.home).is_running:
            raise DaemonUnreachable("No daemon runs, so nothing more comes; start it with `skep up`.")
        waits = self._reader.waiting_for(row, situation(self._place.home, self._reader))
        if waits is not None and waits != self._waits:
            terminal.note(f"waiting for: {waits}")
        self._waits = waits

"""Writing a copy: each row of the store once, in order, without a gap, whatever dies in between.

What has been exported is decided by the file itself: at start its last good line is found and the next row
goes after it, so a crash at any point can neither lose nor repeat a line. What the store notes of it only
remembers what is on disk for certain. One process at a time may export: the leader.
"""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import host_platform
from errors import StoreError, StoreFull
from faults import fault_point
from store import database
from store.chained_log.book import Book, Repair
from store.chained_log.files import LogFiles, open_to_append
from store.chained_log.history import History
from store.chained_log.recovery import Recovered, recover
from store.transaction import Transaction
from store.writer import Writer

logger = logging.getLogger(__name__)

SYNC_INTERVAL_S: Final = 1.0
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

#: Where a line ends in a chunk, its row and its seal.
Mark = tuple[int, int, str]


class Exporter:
    """Keeps a copy up with the store. For one thread of the leader."""

    def __init__(
        self,
        book: Book,
        current: Path,
        rotate_bytes: int,
        open_reader: Callable[[], sqlite3.Connection],
        writer: Writer,
    ) -> None:
        self._book = book
        self._files = LogFiles(current)
        self._rotate_bytes = rotate_bytes
        self._history = History(open_reader, book)
        self._writer = writer
        self._started = False
        self._handle: int | None = None
        self._identity = (0, 0)
        self._size = 0
        self._first = 1
        self._seq = 0
        self._prev = book.chain.genesis
        self._synced_seq = 0
        self._last_sync = float("-inf")

    @property
    def exported(self) -> int:
        """The last row that was written to the copy."""
        return self._seq

    @property
    def seal(self) -> str:
        """What its line is sealed with."""
        return self._prev

    def start_up(self) -> list[Repair]:
        """Find where the copy ends and repair it; what had to be repaired. Raises `StoreError`, `OSError`."""
        self._let_go()
        self._writer.place.check()  # else it would be written into what stands there now
        with database.translated(self._files.current):
            found = recover(self._files, self._history, self._book)
            if found.exists or found.end.seq:  # else nothing has happened yet
                self._open(new=not found.exists)
        self._seq, self._prev = found.end.seq, found.end.seal
        self._size, self._first = found.end.offset, found.first
        self._tell(found)
        self._started = True
        return found.repairs

    def export_new(self) -> int:
        """Append every row the copy lacks; how many. Raises `StoreFull` (call again later), `StoreError`."""
        written = 0
        while True:
            if not self._started:
                self.start_up()
            rows = self._history.after(self._seq)
            if not self._is_still_ours():
                self._let_go()
            elif rows:
                written += self._append(rows)
            else:
                return written

    def sync_if_due(self, monotonic: float) -> bool:
        """At most once a second: bring the copy to disk and note how far it goes."""
        if self._seq == self._synced_seq or monotonic - self._last_sync < SYNC_INTERVAL_S:
            return False
        self._last_sync = monotonic
        self.sync()
        return True

    def sync(self) -> None:
        """The same at once."""
        if self._handle is not None:
            with database.translated(self._files.current):
                host_platform.sync_data(self._handle)
                if self._synced_seq < self._first:  # the file is new, and so is its name
                    host_platform.fsync_directory(self._files.current.parent)
        self._note()

    def close(self) -> None:
        """Bring everything to disk and let the files go."""
        try:
            if self._started and self._seq != self._synced_seq:
                self.sync()
        finally:
            self._let_go()
            self._history.close()

    # -- appending -----------------------------------------------------------------------------------------

    def _append(self, rows: list[sqlite3.Row]) -> int:
        """One chunk, one write; less than `rows` where the file becomes full."""
        if self._handle is None:
            with database.translated(self._files.current):
                self._open(new=True)
        chunk, marks = self._render(rows)
        count = self._keep_whole_lines(self._write(chunk), len(chunk), marks)
        if self._size >= self._rotate_bytes:
            self._rotate()
        return count

    def _render(self, rows: list[sqlite3.Row]) -> tuple[bytes, list[Mark]]:
        lines: list[bytes] = []
        marks: list[Mark] = []
        length, prev = 0, self._prev
        for row in rows:
            line, prev = self._book.chain.render(row, prev)
            lines.append(line)
            length += len(line)
            marks.append((length, row["seq"], prev))
            if self._size + length >= self._rotate_bytes:
                break
        return b"".join(lines), marks

    def _write(self, chunk: bytes) -> int:
        assert self._handle is not None  # noqa: S101 - opened by the caller
        try:
            written = os.write(self._handle, chunk)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise self._full() from error
            raise
        fault_point("export.written")
        return written

    def _keep_whole_lines(self, written: int, wanted: int, marks: list[Mark]) -> int:
        """A full disk takes the first part of a chunk; half a line is taken back."""
        whole = [mark for mark in marks if mark[0] <= written]
        end = whole[-1][0] if whole else 0
        if written < wanted:
            self._take_back(self._size + end)
        if whole:
            self._size += end
            _, self._seq, self._prev = whole[-1]
        else:
            raise self._full()
        return len(whole)

    def _take_back(self, size: int) -> None:
        assert self._handle is not None  # noqa: S101 - written to by the caller
        try:
            with database.translated(self._files.current):
                os.ftruncate(self._handle, size)
        except (OSError, StoreError):
            self._let_go()  # the next call finds the end again and cuts it there
            raise

    def _rotate(self) -> None:
        """Give the full file its name and begin a new one: whoever looks for the copy finds it."""
        self.sync()
        with database.translated(self._files.current):
            target = self._files.name_for(self._first, self._seq)
            if os.path.lexists(target):
                self._files.set_aside(target, "replaced")
            self._files.current.rename(target)
            self._close_handle()
            self._size, self._first = 0, self._seq + 1
            self._open(new=True)
            host_platform.fsync_directory(target.parent)
        self._note()

    # -- the file and what is noted of it ------------------------------------------------------------------

    def _open(self, *, new: bool) -> None:
        self._handle = open_to_append(self._files.current, new=new)
        found = os.fstat(self._handle)
        self._identity = (found.st_dev, found.st_ino)

    def _is_still_ours(self) -> bool:
        """Whether the file is as it was left: a person may delete, replace or shorten it while we run."""
        try:
            found = self._files.current.lstat()
        except FileNotFoundError:
            return self._handle is None
        return (
            self._handle is not None
            and (found.st_dev, found.st_ino) == self._identity
            and found.st_size == self._size
        )

    def _tell(self, found: Recovered) -> None:
        """Tell of what was repaired, and note that the copy may be shorter than it was."""
        known = self._history.exported()
        self._synced_seq = min(known, found.end.seq)

        def tell(tx: Transaction) -> None:
            tx.set_meta(self._book.exported_seq, str(self._synced_seq))
            tx.set_meta(self._book.exported_from, str(self._first))
            for repair in found.repairs:
                logger.warning("%s", repair.reason)
                self._book.tell(tx, repair)

        if found.repairs or self._history.exported_from() != self._first or known != self._synced_seq:
            self._writer.run(tell)

    def _note(self) -> None:
        seq, first = self._seq, self._first

        def note(tx: Transaction) -> None:
            tx.set_meta(self._book.exported_seq, str(seq))
            tx.set_meta(self._book.exported_from, str(first))

        self._writer.run(note)
        self._synced_seq = seq

    def _full(self) -> StoreFull:
        return StoreFull(f"The disk is full: {self._book.name} waits. Make room and it goes on by itself.")

    def _let_go(self) -> None:
        self._started = False
        self._close_handle()

    def _close_handle(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

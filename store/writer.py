"""The one thread of a process that writes: transitions that wait together are committed together.

A caller hands over a function and waits for its result; the result is given only after the commit that made
it durable. Functions that come in while a commit is under way go into the next one, each in a savepoint of
its own, so one that fails takes nothing with it. This is what makes thousands of durable transitions a
second possible on one disk, and why no other code in a process may hold a writing connection.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeVar

from clock import Clock
from errors import StoreError, StoreFull
from store import database
from store.place import HeldPlace
from store.reading import DISK_FULL
from store.transaction import Transaction, dump
from store.write_lock import WriteLock

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Work = Callable[[Transaction], Result]

MOST_IN_ONE_COMMIT: Final = 256
#: bytes of the file that is given up when the disk is full, so that what runs can be finished
RESERVE_BYTES: Final = 1024 * 1024
#: The reserve is not made where that would leave less than itself: what was just freed is needed.
ROOM_FOR_RESERVE: Final = 2


class Writer:
    """Owns the process's writing connection."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._connection = database.open_writer(path)
        database.migrate(self._connection, path)
        #: where it was opened: nothing is recorded once it stands there no more
        self.place = HeldPlace(path, path.parent.parent)
        self._lock = WriteLock(path)
        self._reserve = path.with_name("reserve.bin")
        self._jobs: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._closing = threading.Lock()
        self._closed = False
        #: transactions that were committed here
        self.commits = 0
        self.keep_reserve()
        self._thread.start()

    def run(self, work: Work[Result], timeout: float | None = None) -> Result:
        """Do `work` in a transaction and return its result once that is durable. Raises what it raises."""
        return self.submit(work).result(timeout)

    def submit(self, work: Work[Result]) -> Future[Result]:
        """The same without waiting."""
        future: Future[Result] = Future()
        with self._closing:
            if self._closed:
                raise StoreError("the store is closed")
            self._jobs.put((work, future))
        return future

    def checkpoint(self, mode: str = "PASSIVE") -> None:
        """Copy the WAL back into the database (sqlite.org/pragma.html#pragma_wal_checkpoint)."""
        self.submit(_Checkpoint(mode)).result()

    def keep_reserve(self) -> bool:
        """Have a file that can be given up when the disk is full; false where there is no room for one."""
        fresh = self._reserve.with_name(f"reserve.{os.getpid()}.new")
        try:
            if self._reserve.exists() and self._reserve.stat().st_size == RESERVE_BYTES:
                return True
            if shutil.disk_usage(self._path.parent).free < ROOM_FOR_RESERVE * RESERVE_BYTES:
                return False
            # Random, since zeros take no room on a file system that compresses.
            fresh.write_bytes(os.urandom(RESERVE_BYTES))
            fresh.replace(self._reserve)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            return False
        return True

    def close(self) -> None:
        """Finish what was handed in, then let the connection go."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        self._lock.close()
        self._connection.close()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch = [job]
            with contextlib.suppress(queue.Empty):
                while len(batch) < MOST_IN_ONE_COMMIT:
                    more = self._jobs.get_nowait()
                    if more is None:
                        self._jobs.put(None)
                        break
                    batch.append(more)
            batch = [job for job in batch if job[1].set_running_or_notify_cancel()]
            self._commit([job for job in batch if not isinstance(job[0], _Checkpoint)])
            for work, future in batch:
                if isinstance(work, _Checkpoint):
                    self._checkpoint(work.mode, future)

    def _commit(self, batch: list[tuple[Work[Any], Future[Any]]]) -> None:
        """Make a batch durable, then answer. A full disk gets a second try on the reserve."""
        if not batch:
            return
        try:
            results = self._try_commit(batch)
        except StoreFull as error:
            results = self._commit_on_reserve(batch, error)
        except BaseException as error:
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _commit_on_reserve(self, batch: list[tuple[Work[Any], Future[Any]]], error: StoreFull) -> list[Any]:
        """Once more, where the reserve makes room: for what runs, so nothing new is claimed from here on."""
        logger.error("the disk is full: giving up the reserve of %d bytes", RESERVE_BYTES)
        try:
            self._reserve.unlink(missing_ok=True)  # or another process has done so
            return self._try_commit([(_close_gate(error), Future()), *batch])[1:]
        except Exception as again:
            return [again] * len(batch)

    def _try_commit(self, batch: list[tuple[Work[Any], Future[Any]]]) -> list[Any]:
        with database.translated(self._path), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                transaction = Transaction(self._connection, self._clock.now(), self._clock.monotonic())
                if len(batch) == 1:
                    # All there is is its own, so the transaction itself is its savepoint.
                    results = [self._do(batch[0][0], transaction, "ROLLBACK")]
                else:
                    results = [self._in_savepoint(work, transaction) for work, _ in batch]
                self.place.check()  # what failed for want of it is no outcome
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")
                self.commits += 1
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
        return results

    def _in_savepoint(self, work: Work[Any], transaction: Transaction) -> Any:
        self._connection.execute("SAVEPOINT work")
        result = self._do(work, transaction, "ROLLBACK TO work")
        self._connection.execute("RELEASE work")
        return result

    def _do(self, work: Work[Any], transaction: Transaction, undo: str) -> Any:
        """Its result, or the error that it raised, with all that it wrote undone."""
        try:
            result = work(transaction)
            transaction.write_out()
            return result
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR")):
                raise
            failed: Exception = error
        except Exception as error:
            failed = error
        transaction.forget()
        self._connection.execute(undo)
        return database.translate(failed, self._path) if isinstance(failed, sqlite3.Error) else failed

    def _checkpoint(self, mode: str, future: Future[Any]) -> None:
        try:
            with database.translated(self._path), self._lock:
                self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
            future.set_result(None)
        except Exception as error:
            future.set_exception(error)


def _close_gate(error: StoreFull) -> Work[None]:
    """Claiming stops in the very commit that needed the reserve."""

    def close(tx: Transaction) -> None:
        if tx.meta(DISK_FULL) is None:
            tx.set_meta(DISK_FULL, dump({"reason": error.message}))
            tx.emit("daemon.disk_full", reason=error.message)

    return close


class _Checkpoint:
    """A request to copy the WAL back, in the line of the transactions."""

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def __call__(self, transaction: Transaction) -> None:
        raise AssertionError("a checkpoint is not a transaction")

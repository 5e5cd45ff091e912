"""The home's writing lock (flock(2)): fair, immediate, and released by the kernel when its holder dies.

A holder that is stopped (SIGSTOP, a debugger) does not die, so the wait has a limit. flock has none, and its
wait can be ended by no other thread: where the lock is taken, a thread of its own waits for it, with a
descriptor of its own. Who gives up leaves both behind; when the lock comes after all, it is let go at once.

`filelock` guards the files people see; here its polling would cost more than the transaction.
"""

from __future__ import annotations

import fcntl
import os
import queue
import threading
from pathlib import Path
from typing import Final

import host_platform
from errors import StoreBusy

#: Seconds: longer than any transaction takes, also on a slow disk.
WAIT_S: Final = 60.0


class WriteLock:
    """Held while a connection writes, and while the WAL is copied back.

    Parameters:
        database: the lock stands beside it.
        wait_s: seconds to wait for it.
    """

    def __init__(self, database: Path, wait_s: float | None = None) -> None:
        self._path = database.with_name("write.lock")
        self._wait_s = wait_s
        self._handle: int | None = None
        self._waiter: _Waiter | None = None

    def __enter__(self) -> None:
        """Raises `StoreBusy` when another process does not let go of it in time."""
        if self._handle is None:
            self._handle = self._open()
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait()

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file handle back."""
        if self._waiter is not None:
            self._waiter.end()
            self._waiter = None
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __del__(self) -> None:
        self.close()

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _wait(self) -> None:
        wait_s = WAIT_S if self._wait_s is None else self._wait_s
        waiter = self._waiter = self._waiter or _Waiter()
        request = _Request(self._open())
        if waiter.wait(request, wait_s):
            if self._handle is not None:
                os.close(self._handle)
            self._handle = request.handle
            return
        self._waiter = None  # it still waits; the next request gets another
        raise StoreBusy(self._explain(wait_s))

    def _explain(self, wait_s: float) -> str:
        holder = host_platform.flock_holder(self._path)
        who = "another process" if holder is None else f"process {holder}"
        way = "`skep doctor` tells what runs here"
        if holder is not None:
            way = f"if it is stopped, `kill -CONT {holder}` lets it go on and `kill -KILL {holder}` ends it"
        return f"{who} has held {self._path} for more than {wait_s:g} s: {way}"


class _Request:
    """One wait for the lock: it comes to be held, or is given up."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._mutex = threading.Lock()
        self._held = threading.Event()
        self._is_given_up = False

    def take(self) -> None:
        """Wait as long as it takes; let go of what nobody waits for any more."""
        fcntl.flock(self.handle, fcntl.LOCK_EX)
        with self._mutex:
            if self._is_given_up:
                os.close(self.handle)
            else:
                self._held.set()

    def is_held_within(self, seconds: float) -> bool:
        """Whether the lock has come in time; otherwise the request is given up."""
        if self._held.wait(seconds):
            return True
        with self._mutex:
            self._is_given_up = not self._held.is_set()
        return not self._is_given_up


class _Waiter:
    """A thread that waits."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="write-lock", daemon=True).start()

    def wait(self, request: _Request, seconds: float) -> bool:
        """Whether the lock came in time. If not, this waiter is of no more use."""
        self._requests.put(request)
        if request.is_held_within(seconds):
            return True
        self.end()
        return False

    def end(self) -> None:
        """Let the thread go when it has nothing to wait for."""
        self._requests.put(None)

    def _serve(self) -> None:
        while (request := self._requests.get()) is not None:
            request.take()

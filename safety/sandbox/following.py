"""Follows one command to its end: keeps its output, and ends it when its time or its disk is over.

Output goes through a pipe to whoever keeps it, while it comes; the pipe is always read, so that the command
is never held up. The caller's own thread waits for the pipe and for the process together.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from safety.sandbox.disk import LOOK_EVERY_S, DiskWatch
from safety.sandbox.grip import KillStrays
from safety.sandbox.ready import Ready

#: Seconds between asking a command to end at its time-out and killing it.
TERM_GRACE_S: Final = 2.0
#: Seconds between looks at a process where the system has no handle to wait on (pidfd_open(2)).
LOOK_S: Final = 0.05
_BLOCK: Final = 64 * 1024
#: The most that a pipe can still hold after its last writer (pipe(7), fs.pipe-max-size).
_PIPE_BYTES: Final = 1024 * 1024

#: Takes the next bytes of the output.
Keep = Callable[[bytes], object]
#: What was over first: the command itself, its time, or its disk.
Over = Literal["command", "time", "disk"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    #: negative: the signal that ended it
    exit_code: int
    over: Over
    elapsed_s: float
    #: seconds it was given
    limit_s: float

    @property
    def timed_out(self) -> bool:
        """Whether its time limit ended it."""
        return self.over == "time"


class Followed:
    """A command that runs."""

    def __init__(self, ready: Ready, limit_s: float, disk: DiskWatch | None, kill_strays: KillStrays) -> None:
        self._ready = ready
        self._wrapper = ready.waiting.process.pid
        self._output = ready.waiting.output
        self._grip = ready.grip
        self._limit_s = limit_s
        self._disk = disk
        self._kill_strays = kill_strays
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._is_over = False
        self._is_open = True
        os.set_blocking(self._output, False)

    def kill(self) -> None:
        """Kill all of it at once; from any thread, at any time."""
        with self._lock:
            if not self._is_over:
                self._grip.kill()

    def follow(self, keep: Keep) -> Ended:
        """Keep the output until it ends, by itself or not. Nothing of it is left after, however this ends."""
        try:
            try:
                over = self._follow(keep)
            finally:
                code = self._release()
            self._drain(keep)
        finally:
            self._ready.close()
        return Ended(code, over, time.monotonic() - self._begun, self._limit_s)

    def _release(self) -> int:
        with self._lock:
            self._is_over = True  # from here on nobody kills it but this
        return self._grip.release(self._kill_strays)

    def _follow(self, keep: Keep) -> Over:
        handle = os.pidfd_open(self._wrapper) if hasattr(os, "pidfd_open") else None
        try:
            over = self._until(self._begun + self._limit_s, handle, keep)
            if over == "time":
                self._grip.ask()
                self._until(time.monotonic() + TERM_GRACE_S, handle, keep)
            return over
        finally:
            if handle is not None:
                os.close(handle)

    def _until(self, deadline: float, handle: int | None, keep: Keep) -> Over:
        """Keep output until the wrapper has ended, or the time or the disk is over."""
        poller = select.poll()
        if self._is_open:
            poller.register(self._output, select.POLLIN)
        if handle is not None:
            poller.register(handle, select.POLLIN)
        look_at = time.monotonic() + LOOK_EVERY_S
        while (left := deadline - (now := time.monotonic())) > 0:
            if self._disk is not None and now >= look_at:
                if self._disk.is_over():
                    return "disk"
                look_at = now + LOOK_EVERY_S
            ready = {found for found, _ in poller.poll(self._milliseconds(left, handle is not None))}
            if self._output in ready and not self._keep_block(keep):
                poller.unregister(self._output)
            if handle in ready or (handle is None and self._has_exited()):
                return "command"
        return "time"

    def _milliseconds(self, left: float, has_handle: bool) -> int:
        wait = min(left, 24 * 3600) if has_handle else min(left, LOOK_S)
        return int(min(wait, LOOK_EVERY_S if self._disk is not None else wait) * 1000) + 1

    def _has_exited(self) -> bool:
        """Whether the wrapper is a zombie, without taking it away (waitid(2))."""
        return os.waitid(os.P_PID, self._wrapper, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _keep_block(self, keep: Keep) -> bool:
        """Keep one block of what it printed; false at the end of the pipe."""
        try:
            data = os.read(self._output, _BLOCK)
        except BlockingIOError:
            return True
        if data:
            keep(data)
        else:
            self._is_open = False
        return bool(data)

    def _drain(self, keep: Keep) -> None:
        """Keep what is in the pipe now, without waiting for more."""
        left = _PIPE_BYTES
        with contextlib.suppress(BlockingIOError):
            while self._is_open and left > 0:
                data = os.read(self._output, _BLOCK)
                self._is_open = bool(data)
                if data:
                    keep(data)
                left -= len(data)

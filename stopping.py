"""How a process of the daemon is told to stop.

SIGTERM or SIGINT asks it to finish what runs and go; a second one ends it at once. SIGHUP says that the
terminal is gone, and asks too, unless it was ignored at the start as nohup(1) has it; it comes from the
kernel and again from the shell, so it never counts as the second. A supervised process also holds the
reading end of a pipe whose writing end only the supervisor has: when that closes, the supervisor is gone,
however it ended, and the process hurries after it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final, NoReturn

#: Added to the number of a second signal, which ends a process, for its exit code, as shells count.
BY_SIGNAL: Final = 128


class Stop:
    """Whether, and how urgently, this process has been told to stop."""

    def __init__(self) -> None:
        #: set once a stop was asked for
        self.asked = threading.Event()
        #: the supervisor is gone: nobody waits for a slow goodbye
        self.is_hurried = False
        #: what asked, for the log
        self.reason = ""
        #: what is told that a stop was asked for
        self._listeners: list[Callable[[], None]] = []
        #: what a second signal does before the process ends
        self.at_once: Callable[[], None] = lambda: None
        self._is_ending = threading.Event()

    def ask(self, reason: str, *, hurried: bool = False) -> None:
        """Ask the process to stop; the first reason stands."""
        if not self.asked.is_set():
            self.reason = reason
            self.is_hurried = hurried
            self.asked.set()
            for tell in self._listeners:
                tell()

    def listen(self, tell: Callable[[], None]) -> None:
        """Call `tell` once a stop is asked for: now, where it was."""
        self._listeners.append(tell)
        if self.asked.is_set():
            tell()

    def give_way(self) -> None:
        """Never return where a second signal is ending the process, whose exit code it has to be."""
        while self._is_ending.is_set():
            threading.Event().wait()

    def on_signals(self) -> None:
        """Stop on SIGTERM, SIGINT and SIGHUP. To be called from the main thread.

        The signal is told through a file descriptor that a thread waits at (signal.set_wakeup_fd): a Python
        handler runs between two steps of the main thread, which may just have begun to wait for ever.
        """
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _be_told)
        threading.Thread(target=self._wait_for_signals, args=(reading,), name="signals", daemon=True).start()

    def on_closed_pipe(self, handle: int = 0) -> None:
        """Stop when the supervisor's end of the pipe at file descriptor `handle` closes."""
        threading.Thread(target=self._wait_for_end, args=(handle,), name="pipe", daemon=True).start()

    def _wait_for_signals(self, reading: int) -> None:
        while True:
            number = os.read(reading, 1)[0]
            if self.asked.is_set() and number == signal.SIGHUP:
                continue
            if self.asked.is_set():
                self._end(number)
            self.ask(signal.Signals(number).name)

    def _end(self, number: int) -> NoReturn:
        self._is_ending.set()
        try:
            self.at_once()
        finally:
            os._exit(BY_SIGNAL + number)

    def _wait_for_end(self, handle: int) -> None:
        while True:
            try:
                if os.read(handle, 64) == b"":
                    break
            except OSError:
                break
        self.ask("the supervisor is gone", hurried=True)


def _be_told(number: int, frame: FrameType | None) -> None:
    """Without a handler of its own the signal would end the process before anybody is told."""

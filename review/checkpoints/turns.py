"""Commands and rollbacks take turns: while commands run nothing is rolled back, and none starts during one.

A rollback takes the lock (flock(2)) and then asks the store what runs; a command is noted in the store as
running and then looks whether the lock is taken. Whichever comes second sees the other, so either the
rollback refuses or the command waits. The kernel frees the lock of a rollback that is killed.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from errors import TransitionNotAllowed
from store.reading import Reader
from store.records import task_of

#: Tasks that are named where commands run.
_NAMED: Final = 3
#: Seconds between two looks whether a rollback has ended; one takes a fraction of a second for most homes.
_LOOK_S: Final = 0.02


class Turns:
    """The lock of one home's rollbacks; it is a file from the first rollback on."""

    def __init__(self, state: Path) -> None:
        self._path = state / "rollback.lock"

    @contextmanager
    def of_a_rollback(self, reader: Reader) -> Iterator[None]:
        """Let no command start until this is over. Raises `TransitionNotAllowed` where some run."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            running = [row["id"] for row in reader.all("running") if _runs_commands(row)]
            if running:
                raise TransitionNotAllowed(_busy(running))
            yield
        finally:
            os.close(handle)

    def are_free(self) -> bool:
        """Whether no rollback is under way. Raises `OSError`."""
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # there never was one
            return True
        try:
            return _is_free(handle)
        finally:
            os.close(handle)

    def of_a_command(self, is_off: Callable[[], bool] = lambda: False) -> None:
        """Wait until no rollback is under way; the command is noted as running. Raises `OSError`.

        `is_off` tells that it is not to run any more: then nothing is waited for.
        """
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # there never was one
            return
        try:
            while not _is_free(handle) and not is_off():
                time.sleep(_LOOK_S)
        finally:
            os.close(handle)


def _busy(running: list[str]) -> str:
    named = ", ".join(running[:_NAMED])
    if len(running) == 1:
        told, ended = f"A command runs ({named})", "it has"
    else:
        told, ended = f"{len(running)} commands run ({named})", "they have"
    return f"{told} and may change the same files: `skep pause`, and wait until {ended} ended."


def _is_free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _runs_commands(row: sqlite3.Row) -> bool:
    """Whether a running task is a command, is answered by one of a tool, or may be checked by one."""
    task = task_of(row["doc"], row["id"])
    return task.mode == "local" or row["tool_effect"] is not None or bool(task.expect.commands)

"""How a process of the daemon is begun, and what its supervisor can do with it while it lives.

Two ways: a program started anew (`ByExec`, everywhere), and a fork of a process that has every module
ready (`supervisor.forking`, Linux). Both give the child a session of its own and a pipe as its standard
input, whose writing end the supervisor alone holds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

#: What every child finds in its environment besides the supervisor's: what it prints is seen at once.
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}


class Spawned(Protocol):
    """A process that was begun, and has not been let go of."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def poll(self) -> int | None:
        """None while it runs; else its exit code, or the number of the signal that ended it below zero."""

    def is_alive(self) -> bool:
        """Whether it runs; at once, from any thread."""

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing where it has ended."""

    def let_go(self) -> None:
        """Close its pipe, whereupon it goes where it has not yet."""


class Spawner(Protocol):
    """Begins processes."""

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Spawned:
        """Begin the module that `arguments` name first, with the rest; `environment` is added to ours.

        Raises `OSError` where the machine cannot just now.
        """

    def tend(self) -> None:
        """Take away what has ended of its own; to be called now and then."""

    def close(self) -> None:
        """Begin nothing more. What was begun goes on."""


class ByExec:
    """Starts an interpreter for each process."""

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Spawned:
        """Begin a module. Raises `OSError`."""
        return _Executed(start_module(arguments, environment, stdin=subprocess.PIPE))

    def tend(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is held."""


def start_module(
    arguments: Sequence[str], environment: Mapping[str, str], *, stdin: int, keep: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """An interpreter with a module, in a session of its own; `keep`: descriptors it is left.

    Raises `OSError`. ``-P``: no module is looked for in the folder the daemon is started in, where others
    may put files.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", *arguments],
        stdin=stdin,
        start_new_session=True,
        env=os.environ | UNBUFFERED | dict(environment),
        pass_fds=keep,
    )


class _Executed:
    """A process that was started as a program."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        return self._process.poll()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def let_go(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

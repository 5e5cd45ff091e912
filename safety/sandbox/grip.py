"""How a command that runs is held: asked to end, killed, and known to be gone with everything it started.

The wrapper is the process the daemon started: bubblewrap, the launcher, or without a sandbox the command
itself. Its end is the command's. Until it has been waited for, its process id, and every id below it, is
certainly its own.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable
from typing import Final, Protocol

import host_platform
from safety.sandbox.waiting import Waiting

#: Seconds that a launcher gets to kill what it holds, before it is killed itself.
LAUNCHER_S: Final = 10.0

#: Kills what carries a command's mark wherever it hid.
KillStrays = Callable[[], object]


class Grip(Protocol):
    """The hold on one command and everything it started."""

    def ask(self) -> None:
        """Ask the command to end (SIGTERM)."""

    def kill(self) -> None:
        """Kill all of it; any number of times, before `release`."""

    def release(self, kill_strays: KillStrays) -> int:
        """End what is left of it, wait until all of it is gone, and return the exit code.

        `kill_strays` is called where something may have slipped out of the hold.
        """


class NamespaceGrip:
    """A process namespace: with its first process dies every other in it (pid_namespaces(7))."""

    def __init__(self, waiting: Waiting, pid: int, exit_code: Callable[[int], int]) -> None:
        self._wrapper = waiting.process
        self._group = os.getpgid(pid)
        self._exit_code = exit_code
        self._first = os.pidfd_open(_parent_of(pid))

    def ask(self) -> None:
        """SIGTERM for the command's session; the first process takes no notice of it."""
        host_platform.kill_group(self._group, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the first process. bubblewrap notices and ends."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._first, signal.SIGKILL)

    def release(self, kill_strays: KillStrays) -> int:
        """The command has ended, or is ended; what it left goes with its namespace."""
        if self._wrapper.poll() is None:
            self.kill()
        code = self._wrapper.wait()
        self.kill()
        _wait_until_readable(self._first)  # its end comes after that of all others
        os.close(self._first)
        return self._exit_code(code)


class LauncherGrip:
    """A launcher, which kills what it holds when its standard input closes (`safety.sandbox.launcher`)."""

    def __init__(self, waiting: Waiting, pid: int) -> None:
        self._waiting = waiting
        self._group = os.getpgid(pid)

    def ask(self) -> None:
        """SIGTERM for the command's session."""
        host_platform.kill_group(self._group, signal.SIGTERM)

    def kill(self) -> None:
        """Let the launcher know."""
        with contextlib.suppress(OSError):
            self._waiting.control.shutdown(socket.SHUT_RDWR)

    def release(self, kill_strays: KillStrays) -> int:
        """The launcher ends last. One that does not is killed, and what carries the mark with it."""
        self.kill()
        process = self._waiting.process
        try:
            return process.wait(LAUNCHER_S)
        except subprocess.TimeoutExpired:
            host_platform.kill_group(self._group)
            process.kill()
            kill_strays()
            return process.wait()


class GroupGrip:
    """No sandbox: the process group, and what carries the mark."""

    def __init__(self, waiting: Waiting) -> None:
        self._process = waiting.process

    def ask(self) -> None:
        """SIGTERM for the group."""
        host_platform.kill_group(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the group."""
        host_platform.kill_group(self._process.pid)

    def release(self, kill_strays: KillStrays) -> int:
        """Kill the group before it is waited for, while the number is certainly its own; then the strays."""
        self.kill()
        code = self._process.wait()
        kill_strays()
        return code


def _parent_of(pid: int) -> int:
    """The parent of a process that waits, and so is there (proc_pid_stat(5))."""
    with open(f"/proc/{pid}/stat", "rb", buffering=0) as told:  # noqa: PTH123  once for each command
        return int(told.read(1024).rpartition(b")")[2].split()[1])


def _wait_until_readable(handle: int) -> None:
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    poller.poll()

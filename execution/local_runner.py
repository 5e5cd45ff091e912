"""Runs an approved command: no shell, an environment from nothing, one process group, all output counted.

Output goes through a pipe into the sink while it comes; beyond the cap it is still read, so that the
command is never held up, and counted. The handler's own thread waits for the pipe and for the process
together, so a grandchild that keeps the pipe open cannot keep the command from ending, and no second thread
is needed.

When the command ends, by itself or not, what is left of its process group is killed; what left the group is
found by its mark (`execution.markers`) and killed too.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Final

import host_platform
from execution import markers
from execution.running import Running
from faults import fault_point
from host_platform import ProcessId
from safety.work import Approved
from settings import Home, Settings
from store.outputs import OutputSink

SEARCH_PATH: Final = "/usr/bin:/bin"
#: Seconds between asking a command to end at its time-out and killing it.
TERM_GRACE_S: Final = 2.0
#: Seconds between looks at a process where the system has no handle to wait on (pidfd_open(2)).
LOOK_S: Final = 0.05
_BLOCK: Final = 64 * 1024
#: The most that a pipe can still hold after its last writer (pipe(7), fs.pipe-max-size).
_PIPE_BYTES: Final = 1024 * 1024
#: What a busy machine says when it cannot start a process just now.
_FOR_NOW: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


class NotStarted(Exception):
    """The command could not be started."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the command could not be started: {error.strerror or error}")
        #: whether it may be possible later
        self.is_for_now = error.errno in _FOR_NOW


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    #: negative: the signal that ended it
    exit_code: int
    timed_out: bool
    elapsed_s: float
    #: seconds it was given
    limit_s: float


class LocalRunner:
    """Runs commands in one home's workspace.

    Parameters:
        home: whose workspace they run in; it is made when missing.
        settings: the time limit of commands that have none.
        swarm: this process, for the mark.
    """

    def __init__(self, home: Home, settings: Settings, swarm: ProcessId) -> None:
        self._home = home
        self._settings = settings
        self._swarm = swarm

    def run(
        self, approved: Approved, running: Running, name: str, sink: OutputSink, timeout_s: float | None
    ) -> Ended:
        """Run to the end, the time-out or the stop of `running`. Raises `NotStarted`."""
        mark = markers.mark(self._swarm, self._home, name)
        limit_s = timeout_s or self._settings.local_timeout_s
        begun = time.monotonic()
        command = _Command(self._start(approved, mark), mark, sink, approved.may_spawn)
        try:
            fault_point("cycle.running")
            running.on_stop(command.kill)
            timed_out = command.follow(limit_s)
            exit_code = command.finish()
        except BaseException:
            command.abandon()
            raise
        return Ended(exit_code, timed_out, time.monotonic() - begun, limit_s)

    def _start(self, approved: Approved, mark: str) -> subprocess.Popen[bytes]:
        workspace = self._home.workspace
        environment = {
            "PATH": SEARCH_PATH,
            "HOME": str(workspace),
            "LANG": "C.UTF-8",
            **dict(approved.environment),
            markers.VARIABLE: mark,
        }
        try:
            workspace.mkdir(parents=True, exist_ok=True)
            return subprocess.Popen(
                approved.argv,
                cwd=workspace,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise NotStarted(error if isinstance(error, OSError) else OSError(str(error))) from error


class _Command:
    """A command that runs, its pipe and its process group."""

    def __init__(
        self, process: subprocess.Popen[bytes], mark: str, sink: OutputSink, may_spawn: bool
    ) -> None:
        assert process.stdout is not None  # noqa: S101  opened as a pipe
        self._process = process
        self._mark = mark
        self._sink = sink
        self._pipe = process.stdout.fileno()
        self._is_open = True
        self._is_stray_likely = may_spawn
        self._lock = threading.Lock()
        self._is_reaped = False
        os.set_blocking(self._pipe, False)

    def kill(self) -> None:
        """Kill the process group at once; from any thread."""
        with self._lock:
            if not self._is_reaped:
                self._is_stray_likely = True
                host_platform.kill_group(self._process.pid)

    def follow(self, timeout_s: float) -> bool:
        """Keep the output until the process ends; true if its time was over first."""
        handle = os.pidfd_open(self._process.pid) if hasattr(os, "pidfd_open") else None
        try:
            if self._follow_until(time.monotonic() + timeout_s, handle):
                return False
            self._is_stray_likely = True
            host_platform.kill_group(self._process.pid, signal.SIGTERM)
            if not self._follow_until(time.monotonic() + TERM_GRACE_S, handle):
                self.kill()
                self._follow_until(float("inf"), handle)
            return True
        finally:
            if handle is not None:
                os.close(handle)

    def finish(self) -> int:
        """Kill what is left of it, keep the last of its output; the exit code."""
        code = self._end_group()
        self._drain()
        if self._is_open or self._is_stray_likely:
            markers.kill_strays(self._mark)
            self._drain()
        self._close()
        return code

    def abandon(self) -> None:
        """Kill all of it; its output cannot be kept."""
        self._end_group()
        markers.kill_strays(self._mark)
        self._close()

    def _end_group(self) -> int:
        with self._lock:
            # Before it is reaped, for only until then the number is certainly its own.
            host_platform.kill_group(self._process.pid)
            code = self._process.wait()
            self._is_reaped = True
        return code

    def _close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _follow_until(self, deadline: float, handle: int | None) -> bool:
        """Keep output until the process has ended; false if the deadline comes first."""
        poller = select.poll()
        if self._is_open:
            poller.register(self._pipe, select.POLLIN)
        if handle is not None:
            poller.register(handle, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            ready = {found for found, _ in poller.poll(_milliseconds(left, handle is not None))}
            if self._pipe in ready and not self._keep():
                poller.unregister(self._pipe)
            if handle in ready or (handle is None and self._has_exited()):
                return True
        return False

    def _has_exited(self) -> bool:
        with self._lock:
            self._is_reaped = self._process.poll() is not None
            return self._is_reaped

    def _keep(self) -> bool:
        """Keep one block of what it printed; false at the end of the pipe."""
        try:
            data = os.read(self._pipe, _BLOCK)
        except BlockingIOError:
            return True
        if data:
            self._sink.write(data)
        else:
            self._is_open = False
        return bool(data)

    def _drain(self) -> None:
        """Keep what is in the pipe now, without waiting for more."""
        left = _PIPE_BYTES
        with contextlib.suppress(BlockingIOError):
            while self._is_open and left > 0:
                data = os.read(self._pipe, _BLOCK)
                self._is_open = bool(data)
                self._sink.write(data)
                left -= len(data)


def _milliseconds(left: float, has_handle: bool) -> int:
    wait = min(left, 24 * 3600) if has_handle else min(left, LOOK_S)
    return int(wait * 1000) + 1

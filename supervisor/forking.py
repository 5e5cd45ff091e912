"""Processes of the daemon that are forked from one which has every module ready (`supervisor.fork_server`).

What the modules take in memory is held once for all of them, and a process that fell is back in a fraction of
the time. Where that server cannot be had, or does not answer, a process is started as a program instead.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import host_platform
from supervisor.spawning import ByExec, Spawned, Spawner, start_module

logger = logging.getLogger(__name__)

#: Seconds for the first answer of a server, which imports everything before, on a busy machine.
READY_S: Final = 30.0
#: Seconds for any other, and between looks whether a server that has not answered yet is stopped.
PATIENCE_S: Final = 2.0
MOST_BYTES: Final = 4096
#: Said of a process whose server was gone before it: how it ended cannot be known.
UNKNOWN_END: Final = -signal.SIGKILL


def spawner(modules: Sequence[str]) -> Spawner:
    """What begins processes of these modules on this machine."""
    return ForkServer(modules) if host_platform.CAN_FORK_SERVERS else ByExec()


class ForkServer:
    """Forks processes from one server, which is begun at once and anew where it has ended.

    Parameters:
        modules: what the server imports; each has a `main` that takes arguments as click's commands do.
    """

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = list(modules)
        self._by_exec = ByExec()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        #: seconds that its next answer may take
        self._patience_s = READY_S
        self._begin()

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Spawned:
        """Begin a module, by a fork where that can be had. Raises `OSError`."""
        asked = {"arguments": list(arguments), "environment": dict(environment)}
        try:
            return self._fork_anew(asked)
        except OSError as error:
            logger.warning("%s is started as a program of its own: %s", arguments[0], error)
            return self._by_exec.start(arguments, environment)

    def _fork_anew(self, asked: Mapping[str, Any]) -> Spawned:
        """A fork of the server, or of a new one where it has ended. Raises `OSError`."""
        if self._control is None:
            self._begin()
        try:
            return self._fork(asked)
        except ConnectionError:
            self._begin()
            return self._fork(asked)

    def _fork(self, asked: Mapping[str, Any]) -> Spawned:
        """A fork with a pipe of its own: one that was made but not told of goes when that closes."""
        reading, writing = os.pipe()
        try:
            told, handles = self.ask(asked, reading)
            if not handles:  # this process may open no more
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        except OSError:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        return _Forked(self, told["pid"], handles[0], writing)

    def ask(self, asked: Mapping[str, Any], *handles: int) -> tuple[dict[str, Any], list[int]]:
        """What the server answers, with the descriptors it sends. Raises `OSError`."""
        try:
            told, came = self._exchange(asked, handles)
        except OSError:
            self.close()  # an answer that came late would be taken for the next one's
            raise
        if "error" in told:
            raise OSError(told["error"])
        return told, came

    def _exchange(self, asked: Mapping[str, Any], handles: Sequence[int]) -> tuple[dict[str, Any], list[int]]:
        if self._control is None:
            raise OSError("there is no server to be forked")
        socket.send_fds(self._control, [json.dumps(asked).encode()], handles)
        self._await_answer(self._control)
        answer, came, _, _ = socket.recv_fds(self._control, MOST_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        if not answer:
            raise ConnectionResetError("the server that is forked has ended")
        self._patience_s = PATIENCE_S
        return json.loads(answer), came

    def _await_answer(self, control: socket.socket) -> None:
        """Raises `TimeoutError`."""
        deadline, answer = time.monotonic() + self._patience_s, select.poll()
        answer.register(control, select.POLLIN)
        while not answer.poll(PATIENCE_S * 1000):
            if time.monotonic() >= deadline:
                raise TimeoutError("the server that is forked does not answer")
            if self._server is not None and host_platform.is_stopped(self._server.pid):
                raise TimeoutError("the server that is forked is stopped")

    def tend(self) -> None:
        """Take the server away where it has ended."""
        if self._server is not None and self._server.poll() is not None:
            self.close()

    def close(self) -> None:
        """Let the server go; what it forked goes on."""
        if self._control is not None:
            self._control.close()
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        self._server = self._control = None

    def _begin(self) -> None:
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            handle = theirs.fileno()
            arguments = ["supervisor.fork_server", str(handle), *self._modules]
            try:
                self._server = start_module(arguments, {}, stdin=subprocess.DEVNULL, keep=[handle])
            except OSError as error:
                logger.error("the server that is forked cannot be started: %s", error)
                ours.close()
                return
        ours.settimeout(PATIENCE_S)
        self._control, self._patience_s = ours, READY_S


class _Forked:
    """A process that was forked; its parent is the server. A descriptor tells it from a later one."""

    def __init__(self, server: ForkServer, pid: int, handle: int, lifeline: int) -> None:
        self.pid = pid
        self._server = server
        self._handle = handle
        self._held = [handle, lifeline]
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None and not self.is_alive():
            self._code = self._reaped()
        return self._code

    def is_alive(self) -> bool:
        ends = select.poll()
        ends.register(self._handle, select.POLLIN)  # readable once it has ended
        return not ends.poll(0)

    def _reaped(self) -> int:
        try:
            code: int = self._server.ask({"reap": self.pid})[0]["code"]
        except OSError as error:
            logger.warning("how process %d ended is not known: %s", self.pid, error)
            return UNKNOWN_END
        return code

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def let_go(self) -> None:
        for handle in self._held:
            os.close(handle)
        self._held.clear()

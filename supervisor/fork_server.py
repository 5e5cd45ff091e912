"""A process that has imported everything, and is forked for each process of the daemon.

`python -m supervisor.fork_server FD MODULE...` imports the modules once and calls the `get_ready` of those
that have one, then does what comes over the socket at descriptor FD until that is closed: one JSON object a
message, one answered after the other.

    {"arguments": ["worker", "--home", ...], "environment": {...}} and the reading end of a pipe
        -> {"pid": 123} and a descriptor of that process (pidfd_open(2))
    {"reap": 123} -> {"code": 0}, the exit code of a process that has ended

What cannot be done is answered as {"error": "..."}. Before a fork nothing else happens: no thread runs, no
file is open, no lock is held, which is what makes a fork without exec sound (fork(2), POSIX).
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from setproctitle import setproctitle, setthreadtitle

import host_platform
from collecting import no_collecting, settle
from errors import SkepError

#: Bytes of the longest message, which holds arguments and a few variables.
MOST_BYTES: Final = 65_536

#: What a forked process does in place of its server.
Job = Callable[[], object]


def serve(control: socket.socket, trouble: str = "") -> Job | None:
    """Answer until the other end is closed; what to do then, in a process that was forked.

    Where there is `trouble` nothing is forked, and it is the answer.
    """
    while True:
        message, handles, _, _ = socket.recv_fds(control, MOST_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        if not message:
            return None
        asked = json.loads(message)
        try:
            made = _reap(asked["reap"]) if "reap" in asked else _fork(asked, handles, trouble)
        except OSError as error:
            made = _Answer({"error": str(error)})
        finally:
            _close(handles)
        if isinstance(made, _Answer):
            with contextlib.suppress(BrokenPipeError):  # who asked was killed, as the next message tells
                socket.send_fds(control, [json.dumps(made.told).encode()], made.handles)
            _close(made.handles)
        else:
            control.close()
            return made


@dataclass(frozen=True)
class _Answer:
    told: dict[str, Any]
    handles: tuple[int, ...] = ()


def _reap(pid: int) -> _Answer:
    _, status = os.waitpid(pid, 0)
    return _Answer({"code": os.waitstatus_to_exitcode(status)})


def _fork(asked: dict[str, Any], handles: list[int], trouble: str) -> _Answer | Job:
    """The answer in the server; the job in the process that was forked."""
    if trouble or not handles:
        raise OSError(trouble or "no pipe came with it")
    _check_alone()
    os.close(os.pidfd_open(os.getpid()))  # a system without them is found out before anything is begun
    pid = os.fork()
    if pid:
        return _Answer({"pid": pid}, (os.pidfd_open(pid),))
    os.dup2(handles[0], 0)
    return functools.partial(_run, asked["arguments"], asked["environment"])


def _run(words: list[str], environment: dict[str, str]) -> None:
    """Be the process that was asked for."""
    module, *arguments = words
    os.setsid()
    os.environ.update(environment)
    title = " ".join([sys.executable, "-P", "-m", *words])
    setproctitle(os.fsencode(title).decode(errors="replace"))
    setthreadtitle(f"skep-{module}")
    sys.argv = words
    sys.modules[module].main(arguments, prog_name=module)


def _check_alone() -> None:
    """Raise `OSError` where a thread runs: what it holds would be held for ever in the fork."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        raise OSError(f"a process of {threads} threads cannot be forked soundly")


def _close(handles: tuple[int, ...] | list[int]) -> None:
    for handle in handles:
        with contextlib.suppress(OSError):
            os.close(handle)


def _get_ready(modules: list[str]) -> None:
    """Import what will be run, and set it aside: its pages stay shared."""
    with no_collecting():
        for name in modules:
            module = importlib.import_module(name)
            if hasattr(module, "get_ready"):
                with contextlib.suppress(SkepError):  # it says so itself, where it is run
                    module.get_ready()
    settle()


def main() -> None:
    """Serve; in a forked process, do its job and end as that does."""
    handle, *modules = sys.argv[1:]
    host_platform.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    trouble = ""
    try:
        _get_ready(modules)
    except Exception as error:
        trouble = f"it cannot get ready: {type(error).__name__}: {error}"
    job = serve(socket.socket(fileno=int(handle)), trouble)
    if job is not None:
        job()


if __name__ == "__main__":
    main()

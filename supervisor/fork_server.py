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
import gc
import importlib
import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from setproctitle import setproctitle

#: Bytes of the longest message, which holds arguments and a few variables.
MOST_BYTES: Final = 65_536

#: What a forked process does in place of its server.
Job = Callable[[], object]


def serve(control: socket.socket) -> Job | None:
    """Answer until the other end is closed; what to do then, in a process that was forked."""
    while True:
        message, handles, _, _ = socket.recv_fds(control, MOST_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        if not message:
            return None
        asked = json.loads(message)
        try:
            made = _reap(asked["reap"]) if "reap" in asked else _fork(asked, handles[0])
        except OSError as error:
            made = _Answer({"error": str(error)})
        finally:
            _close(handles)
        if isinstance(made, _Answer):
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


def _fork(asked: dict[str, Any], lifeline: int) -> _Answer | Job:
    """The answer in the server; the job in the process that was forked."""
    _check_alone()
    pid = os.fork()
    if pid:
        return _Answer({"pid": pid}, (os.pidfd_open(pid),))
    os.setsid()
    os.dup2(lifeline, 0)
    os.environ.update(asked["environment"])
    words: list[str] = asked["arguments"]
    module, *arguments = words
    setproctitle(" ".join([sys.executable, "-m", module, *arguments]))
    sys.argv = [module, *arguments]
    return lambda: sys.modules[module].main(arguments, prog_name=module)


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
    """Import what will be run, and keep it where the collector writes nothing: pages stay shared."""
    os.close(os.pidfd_open(os.getpid()))  # a kernel without them is found out before anything is begun
    for name in modules:
        module = importlib.import_module(name)
        if hasattr(module, "get_ready"):
            module.get_ready()
    gc.collect()
    gc.freeze()


def main() -> None:
    """Serve; in a forked process, do its job and end as that does."""
    handle, *modules = sys.argv[1:]
    _get_ready(modules)
    job = serve(socket.socket(fileno=int(handle)))
    if job is not None:
        job()


if __name__ == "__main__":
    main()

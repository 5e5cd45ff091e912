"""Processes of a measurement: started, waited for, looked at, and ended by their own ids."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from testing.running_daemon import REPOSITORY, RunningDaemon

PATIENCE_S = 60.0
PROCESSES = ("worker", "swarm", "panel")
FORK_SERVER = "fork server"


@contextlib.contextmanager
def module(
    name: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A module of ours that runs as a process; its output is a pipe. It is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", name, *arguments],
        cwd=REPOSITORY,
        env=os.environ | (environment or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    """The first line a process says."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        raise RuntimeError(f"{process.args!r} ended without a word")
    return line


@contextlib.contextmanager
def model_server(delay_ms: float = 0) -> Iterator[str]:
    """The base URL of a scripted model server."""
    with module("testing.model_server", "--delay-ms", str(delay_ms)) as process:
        yield first_line(process)


def wait_for_port(port: int) -> None:
    """Wait until somebody listens. Raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def wait_until_gone(running: RunningDaemon) -> None:
    """Wait until what was killed is dead: one that sits in a write dies after it. Raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE_S
    while any(running.pids(name) for name in PROCESSES):
        if time.monotonic() > deadline:
            raise TimeoutError("killed processes do not go")
        time.sleep(0.005)


def pids_of(running: RunningDaemon) -> dict[str, int]:
    """The processes of a daemon by name, with its supervisor and what they are forked from, if anything."""
    found = {name: _eldest(running.pids(name)) for name in PROCESSES}
    parent = _parent(found["swarm"])
    if b"supervisor.fork_server" in Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0"):
        found |= {FORK_SERVER: parent}
        parent = _parent(parent)
    return found | {"supervisor": parent}


def _eldest(pids: list[int]) -> int:
    """The one that is no child of another: a command looks like its starter until it runs its program."""
    parents = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            parents[pid] = _parent(pid)
    return next(pid for pid, parent in parents.items() if parent not in parents)


def cpu_of(running: RunningDaemon) -> dict[str, float]:
    """CPU seconds each process has used, and the commands it has run (proc(5) stat)."""
    used = {}
    for name, pid in pids_of(running).items():
        fields = _stat(pid)
        used[name] = _ticks(fields[11:13])
        if name == "swarm":
            used["commands"] = _ticks(fields[13:15])
    return used


def memory_of(pid: int) -> tuple[float, float]:
    """Resident memory of a process, and its share where pages are shared: MB (proc(5) smaps_rollup)."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) * 1024 / 1e6
    return sizes["Rss"], sizes["Pss"]


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[bytes]:
    """The fields after the name; the first is the state."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()


def _ticks(fields: list[bytes]) -> float:
    return sum(int(field) for field in fields) / os.sysconf("SC_CLK_TCK")

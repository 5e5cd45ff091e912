"""The peer: huey on SQLite, WAL, ``synchronous=FULL``, one worker thread, as a process of its own.

huey takes a task out of its table when it starts it, so a crash loses what ran; ours is leased. It keeps no
history and makes no checks. Its rate is what a queue in Python on this disk can reach with little else to do.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import processes


def is_installed() -> bool:
    """Whether the bench group of the requirements is there."""
    return importlib.util.find_spec("huey") is not None


def open_queue(path: Path, *, durable: bool = True) -> Any:
    """huey on a file, each commit durable."""
    from huey import SqliteHuey

    return SqliteHuey("bench", filename=str(path), fsync=durable, journal_mode="wal")


def marker(queue: Any) -> Any:
    """The task that says when it starts; the same on both sides of the file."""
    return queue.task()(say_started)


def say_started(number: int) -> None:
    """Say so on standard output."""
    sys.stdout.write(f"{number} {time.time():.6f}\n")
    sys.stdout.flush()


def drain_rate(path: Path, count: int) -> float:
    """Tasks a second of a process that works `count` no-op tasks off."""
    with processes.module("benchmarks.huey_process", "drain", str(path), str(count)) as process:
        return float(processes.first_line(process))

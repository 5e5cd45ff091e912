"""The peer: huey on SQLite, WAL, ``synchronous=FULL``, one worker thread, as a process of its own.

    python -m benchmarks.huey_peer drain FILE COUNT     tasks a second, as the only line
    python -m benchmarks.huey_peer serve FILE           a line for each task that starts: its number and when

huey takes a task out of its table when it starts it, so a crash loses what ran; ours is leased. It keeps no
history and makes no checks. Its rate is what a queue in Python on this disk can reach with little else to do.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from collections.abc import Callable
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
    with processes.module("benchmarks.huey_peer", "drain", str(path), str(count)) as process:
        return float(processes.first_line(process))


def _drain(path: Path, count: int) -> float:
    """From the first task to the last, so that starting and polling are no part of it."""
    moments: list[float] = []
    done = threading.Event()

    def note() -> None:
        moments.append(time.monotonic())
        if len(moments) == count:
            done.set()

    _fill(path, note, count)
    queue = open_queue(path)
    queue.task()(note)
    consumer = queue.create_consumer(workers=1, periodic=False)
    consumer.start()
    done.wait()
    consumer.stop()
    return (count - 1) / (moments[-1] - moments[0])


def _fill(path: Path, function: Callable[[], None], count: int) -> None:
    """Enqueue without waiting for the disk, which is no part of what is measured."""
    queue = open_queue(path, durable=False)
    task = queue.task()(function)
    for _ in range(count):
        task()
    queue.storage.close()


def _serve(path: Path) -> None:
    queue = open_queue(path)
    marker(queue)
    consumer = queue.create_consumer(workers=1, periodic=False)
    consumer.start()
    sys.stdin.read()
    consumer.stop()


def main(arguments: list[str]) -> None:
    """Be the peer."""
    # By its real name, since huey names tasks by their module.
    from benchmarks import huey_peer

    if arguments[0] == "drain":
        print(huey_peer._drain(Path(arguments[1]), int(arguments[2])), flush=True)
    else:
        huey_peer._serve(Path(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])

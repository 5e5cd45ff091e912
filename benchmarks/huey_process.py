"""huey as a process of its own.

python -m benchmarks.huey_process drain FILE COUNT   tasks a second, as the only line
python -m benchmarks.huey_process serve FILE         a line for each task that starts: its number and when
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.huey_peer import marker, open_queue


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
    if arguments[0] == "drain":
        print(_drain(Path(arguments[1]), int(arguments[2])), flush=True)
    else:
        _serve(Path(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])

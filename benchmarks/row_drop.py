"""A task dropped into queue.json of an idle daemon: how long until it starts."""

from __future__ import annotations

import contextlib
import json
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator

from benchmarks import homes, huey_peer, processes
from benchmarks.measure import Bar, Bench, Beside, Figure, percentile
from testing.running_daemon import RunningDaemon

#: Seconds between two drops.
PAUSE_S = (0.25, 0.55)
#: The same, long enough for everything to have gone to rest.
LONG_PAUSE_S = (6.0, 6.5)

#: Hands a task in and returns the milliseconds until it started.
Drop = Callable[[int], float]


def run(bench: Bench) -> list[Figure]:
    """Measure drops with short pauses and with long ones, beside huey's enqueue."""
    chance = random.Random(1)
    drops, long_drops = bench.size(34, 8), bench.size(2, 1)
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(_idle_daemon(bench))
        measurements = {
            "ours": lambda: _times(ours, drops, PAUSE_S, chance),
            "ours after long rest": lambda: _times(ours, long_drops, LONG_PAUSE_S, chance),
        }
        if huey_peer.is_installed():
            peer = stack.enter_context(_idle_huey(bench))
            measurements["huey"] = lambda: _times(peer, drops, PAUSE_S, chance)
        results = bench.alternate(measurements)
    times = {name: [one for each in found for one in each] for name, found in results.items()}
    return _figures(times)


def _times(drop: Drop, count: int, pause_s: tuple[float, float], chance: random.Random) -> list[float]:
    found = []
    for number in range(count):
        time.sleep(chance.uniform(*pause_s))
        found.append(drop(number))
    return found


def _figures(times: dict[str, list[float]]) -> list[Figure]:
    ours, rested = times["ours"], times["ours after long rest"]
    return [
        _figure("p50", 0.5, times, 50, f"{len(ours)} drops by rename, {PAUSE_S[0]} to {PAUSE_S[1]} s apart"),
        _figure("p99", 0.99, times, 250, f"the slowest of all took {max(ours):.0f} ms"),
        Figure(
            "drop in queue.json to start, after 6 s without any: median",
            statistics.median(rested),
            "ms",
            runs=rested,
            note=f"{len(rested)} drops",
        ),
    ]


def _figure(name: str, share: float, times: dict[str, list[float]], bar_ms: float, note: str) -> Figure:
    peer = times.get("huey", [])
    return Figure(
        f"drop in queue.json to start of the task, idle daemon: {name}",
        percentile(times["ours"], share),
        "ms",
        [Beside("huey, enqueue to start", percentile(peer, share))] if peer else [],
        Bar(bar_ms, "under", "figure"),
        times["ours"],
        note,
    )


@contextlib.contextmanager
def _idle_daemon(bench: Bench) -> Iterator[Drop]:
    with homes.daemon(bench.place("drop")) as running:
        homes.wait_until_up(running)
        time.sleep(bench.size(3, 1))
        numbers = iter(range(1_000_000))
        yield lambda _: _drop(running, next(numbers))


def _drop(running: RunningDaemon, number: int) -> float:
    """Save the file as an editor does; when the task was claimed stands in the store."""
    path = running.root / "queue.json"
    queue = json.loads(path.read_text("utf-8"))
    task_id = f"drop-{number}"
    queue["tasks"].append({"id": task_id, "command": "true"})
    fresh = path.with_name("queue.json.edited")
    fresh.write_text(json.dumps(queue, indent=2), "utf-8")
    saved = time.time()
    fresh.replace(path)
    is_over = "SELECT count(*) AS count FROM task WHERE id = ? AND state = 'approved'"
    homes.wait_for(running.root, is_over, 1, f"the end of {task_id}", task_id)
    (row,) = homes.read(running.root, "SELECT started FROM task WHERE id = ?", task_id)
    return float(row["started"] - saved) * 1000


@contextlib.contextmanager
def _idle_huey(bench: Bench) -> Iterator[Drop]:
    path = bench.place("huey")
    with processes.module("benchmarks.huey_process", "serve", str(path)) as process:
        task = huey_peer.marker(huey_peer.open_queue(path))
        task(0)
        processes.first_line(process)
        yield lambda number: _enqueue(process, task, number)


def _enqueue(process: subprocess.Popen[str], task: Callable[[int], object], number: int) -> float:
    began = time.time()
    task(number)
    _, started = processes.first_line(process).split()
    return (float(started) - began) * 1000

"""Runs that are submitted over HTTP: how fast a start is answered, and a chain of many worked to its end.

A start is answered when the run with all its tasks is durable. Of the chain every thousand tasks are timed,
so that a cost which grows with what is done or what is left would show.
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx

from benchmarks import homes, processes
from benchmarks.curves import SIZES
from benchmarks.measure import Bar, Bench, Beside, Figure, figure, percentile
from benchmarks.row_durable_runs import tasks
from commands import init
from settings import Home
from testing.running_daemon import RunningDaemon

#: What an orchestrator in Go that keeps nothing on disk, drives graphs batch by batch and does work that
#: takes no time once answered on another machine of two cores under load.
ELSEWHERE_START: Final = "p50 0.18 ms, p99 4.5 ms"
ELSEWHERE_CHAIN: Final = "23,600, 2,400 and 185 tasks/s for a chain of 100, 1,000 and 10,000"
_GO: Final = "in Go, nothing kept on disk, on another machine"


def run(bench: Bench) -> list[Figure]:
    """Measure starts while nothing else is done, and then a chain from its start to its end."""
    most = bench.size(SIZES[-1], SIZES[1])
    with processes.model_server() as model:
        starts = _starts(bench, model, [*SIZES[:-1], most])
        return [*starts, _chain(bench, model, most)]


def _starts(bench: Bench, model: str, sizes: list[int]) -> list[Figure]:
    """How long a start takes: of a run of one task, and of chains."""
    with _home(bench, model, "--no-panel") as (running, client):
        running.skep("pause")  # what runs beside it is another question
        single = [_start(client, [{"id": "a", "prompt": "Say ok."}]) for _ in range(bench.size(1_000, 50))]
        chains = {size: [_start(client, _chain_of(size)) for _ in range(bench.rounds)] for size in sizes}
    p50, p99, slowest = (percentile(single, share) * 1000 for share in (0.5, 0.99, 1.0))
    a_task = {size: [one * 1000 / size for one in found] for size, found in chains.items()}
    most = sizes[-1]
    smaller = {f"{size:,} tasks": a_task[size] for size in reversed(sizes) if size != most}
    return [
        figure(
            "start of a run of one task over HTTP, p99",
            "ms",
            [p99],
            bar=Bar(20, "under", "figure"),
            note=f"p50 {p50:.1f} ms, the slowest of {len(single):,} {slowest:.0f} ms, while nothing else is "
            f"done; {_GO}: {ELSEWHERE_START}",
        ),
        figure(
            f"start of a chain of {most:,} tasks over HTTP",
            "ms a task",
            a_task[most],
            beside=smaller,
            bar=Bar(1.2, "at most", "ratio"),
        ),
    ]


def _chain(bench: Bench, model: str, size: int) -> Figure:
    """A chain from its start to its end."""
    with _home(bench, model) as (running, client):
        began = time.time()
        accepted_s = _start(client, _chain_of(size))
        for done in range(size // 10, size + 1, size // 10):
            homes.wait_for_approved(running.root, done)
        homes.wait_for_event(running.root, "run.completed")
        ends = homes.moments(running.root, "task.approved")
        whole_s = homes.moments(running.root, "run.completed")[0] - began
    rates = tenths(ends)
    return Figure(
        f"a chain of {size:,} tasks submitted over HTTP: its last half, against its first",
        statistics.median(rates[5:]),
        "tasks/s",
        [Beside("its first half", statistics.median(rates[:5]))],
        Bar(0.9, "at least", "ratio"),
        note=f"accepted in {accepted_s:.1f} s, over after {whole_s:.0f} s: {size / whole_s:.0f} tasks/s, "
        "each a model call over HTTP and durable; "
        f"by tenths {', '.join(f'{rate:.0f}' for rate in rates)} tasks/s; "
        f"{_GO}, with work that takes no time: {ELSEWHERE_CHAIN}",
    )


def tenths(ends: Sequence[float]) -> list[float]:
    """Tasks a second in each tenth of those that ended at these moments."""
    size = len(ends) // 10
    return [(size - 1) / (ends[at + size - 1] - ends[at]) for at in range(0, size * 10, size)]


def _chain_of(size: int) -> list[dict[str, Any]]:
    return tasks(size, is_chain=True, waits="deps")


@contextlib.contextmanager
def _home(bench: Bench, model: str, *flags: str) -> Iterator[tuple[RunningDaemon, httpx.Client]]:
    """A daemon on a home of its own, and a client of its API."""
    root = bench.place("http-runs")
    list(init.make(Home(root), sample=False))
    try:
        daemon = homes.daemon(root, *flags, **homes.model_settings(model))
        with daemon as running, running.client() as client:
            yield running, client
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _start(client: httpx.Client, asked: list[dict[str, Any]]) -> float:
    """Seconds until a run is accepted, durably."""
    began = time.perf_counter()
    answer = client.post("/api/v1/runs", json={"tasks": asked})
    taken = time.perf_counter() - began
    answer.raise_for_status()
    return taken

"""Model calls that take their time: whether fifty at once are fifty at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from benchmarks import homes, limits, processes
from benchmarks.measure import Bar, Bench, Figure, figure
from testing.running_daemon import RunningDaemon

AT_ONCE = 50
DELAY_S = 0.2


def run(bench: Bench) -> list[Figure]:
    """Measure the calls through the whole path, beside httpx alone and the time they must take."""
    count = bench.size(500, 250)
    must = count * DELAY_S / AT_ONCE
    with processes.model_server(DELAY_S * 1000) as model, _warm_daemon(bench, model) as running:
        numbers = iter(range(1_000))
        results = bench.alternate(
            {
                "whole path": lambda: _calls(running, count, f"round-{next(numbers)}"),
                "httpx alone": lambda: limits.http_seconds(
                    f"{model}/chat/completions", limits.model_body(), count, AT_ONCE
                ),
            }
        )
    return [
        figure(
            f"{count} model calls of 200 ms, {AT_ONCE} at once, whole path",
            "s",
            results["whole path"],
            beside={"the calls alone must take": [must], "httpx threads alone": results["httpx alone"]},
            bar=Bar(1.25, "at most", "ratio"),
            note="from the first claim to the last approval",
        )
    ]


@contextlib.contextmanager
def _warm_daemon(bench: Bench, model: str) -> Iterator[RunningDaemon]:
    root = bench.place("calls")
    with homes.daemon(root, "--concurrency", str(AT_ONCE), **homes.model_settings(model)) as running:
        homes.wait_until_up(running)
        _calls(running, AT_ONCE, "warm-up")
        yield running


def _calls(running: RunningDaemon, count: int, name: str) -> float:
    after = homes.last_event(running.root)
    tasks = [task | {"id": f"{name}-{task['id']}"} for task in homes.prompts(count)]
    homes.submit(running.root, tasks)
    homes.wait_for_event(running.root, "task.approved", count, after)
    starts = homes.moments(running.root, "task.in_progress", after)
    ends = homes.moments(running.root, "task.approved", after)
    return ends[-1] - starts[0]

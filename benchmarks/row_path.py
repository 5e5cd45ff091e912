"""No-op tasks through the whole path: claim, preflight, ``/cycle``, review, events, every step durable."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from benchmarks import homes, huey_peer, limits, processes
from benchmarks.homes import Drained
from benchmarks.measure import Bar, Bench, Figure, figure

CONCURRENCY = 8
UNIT = "tasks/s"


def run(bench: Bench) -> list[Figure]:
    """Measure the path for commands and for model calls, beside huey and the bare limits."""
    with processes.model_server() as model, processes.module("benchmarks.echo_server", "16") as echo:
        echo_url = processes.first_line(echo)
        warm_up, count = bench.size(300, 100), bench.size(1_500, 300)
        measurements: dict[str, Callable[[], Drained | float]] = {
            "commands": _drain_of(bench, "commands", warm_up, count, model),
            "model calls": _drain_of(bench, "prompts", warm_up, count, model),
            "bare subprocess": lambda: limits.subprocess_rate(count),
            "bare HTTP": lambda: count / limits.http_seconds(echo_url, {"n": 1}, count, CONCURRENCY),
            "bare model calls": lambda: count / _bare_calls(model, count),
        }
        if huey_peer.is_installed():
            jobs = bench.size(3_000, 1_000)
            measurements["huey"] = lambda: huey_peer.drain_rate(bench.place("huey"), jobs)
        return _figures(bench.alternate(measurements))


def _drain_of(bench: Bench, kind: str, warm_up: int, count: int, model: str) -> Callable[[], Drained]:
    make = {"commands": homes.commands, "prompts": homes.prompts}[kind]
    # Some more than are counted, so that the end is as busy as the middle.
    prepared = homes.prepare(bench.place(f"prepared-{kind}"), make(warm_up + count + 100))

    def measure() -> Drained:
        flags = ("--concurrency", str(CONCURRENCY))
        return homes.drain(bench, prepared, warm_up, count, *flags, **homes.model_settings(model))

    return measure


def _bare_calls(model: str, count: int) -> float:
    return limits.http_seconds(f"{model}/chat/completions", limits.model_body(), count, CONCURRENCY)


def _figures(results: dict[str, list[Drained | float]]) -> list[Figure]:
    bare = {name: _rates(found) for name, found in results.items()}
    huey = bare.get("huey", [])
    return [
        figure(
            "no-op commands (`true`) through the whole path, 8 at once",
            UNIT,
            bare["commands"],
            beside={"huey, no-op function": huey, "bare subprocess": bare["bare subprocess"],
                    "bare HTTP": bare["bare HTTP"]},
            bar=Bar(0.1, "at least", "ratio"),
            note=_cpu_note(results["commands"]),
        ),
        figure(
            "no-op model calls through the whole path, 8 at once",
            UNIT,
            bare["model calls"],
            beside={"huey, no-op function": huey, "bare model calls": bare["bare model calls"]},
            bar=Bar(0.1, "at least", "ratio"),
            note=_cpu_note(results["model calls"]),
        ),
    ]  # fmt: skip


def _rates(found: Sequence[Drained | float]) -> list[float]:
    return [one.rate if isinstance(one, Drained) else one for one in found]


def _cpu_note(found: Sequence[Drained | float]) -> str:
    drained = [one for one in found if isinstance(one, Drained)]
    spent = {name: statistics.median(one.cpu_ms[name] for one in drained) for name in drained[0].cpu_ms}
    told = ", ".join(f"{name} {ms:.2f}" for name, ms in spent.items())
    return f"CPU milliseconds a task: {told}"

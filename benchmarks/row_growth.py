"""The whole path with few and with many tasks waiting: what a backlog costs."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import homes, processes
from benchmarks.homes import Drained
from benchmarks.measure import Bar, Bench, Figure, figure

FEW, MANY = 1_000, 100_000
LEVELS = (100, FEW, 10_000, MANY)
QUICK_LEVELS = (FEW, 10_000)


def run(bench: Bench) -> list[Figure]:
    """Measure the drain at each level; a level says how many tasks still wait when its measurement ends."""
    levels = QUICK_LEVELS if bench.is_quick else LEVELS
    with processes.model_server() as model:
        measurements = {_name(level): _drain_at(bench, level, model) for level in levels}
        results = bench.alternate(measurements)
    rates = {name: [one.rate for one in found] for name, found in results.items()}
    most = levels[-1]
    found = [
        figure(
            f"the same with {most:,} tasks waiting, against {FEW:,}",
            "tasks/s",
            rates[_name(most)],
            beside={f"with {FEW:,} waiting": rates[_name(FEW)]},
            bar=Bar(0.9, "at least", "ratio"),
        )
    ]
    return found + [figure(f"drain with {name}", "tasks/s", rates[name]) for name in rates]


def levels_of(figures: list[Figure]) -> dict[int, Figure]:
    """The figures of the plot by the number of waiting tasks."""
    found = {}
    for level in LEVELS:
        for one in figures:
            if one.what == f"drain with {_name(level)}":
                found[level] = one
    return found


def _name(level: int) -> str:
    return f"{level:,} waiting"


def _drain_at(bench: Bench, level: int, model: str) -> Callable[[], Drained]:
    """A prepared home; each measurement works on a copy of it."""
    warm_up, count = bench.size(300, 100), bench.size(1_500, 300)
    if level < FEW:
        count = count // 3
    bench.say(f"preparing {_name(level)}")
    prepared = homes.prepare(bench.place(f"prepared-{level}"), homes.commands(warm_up + count + level))
    return lambda: homes.drain(bench, prepared, warm_up, count, **homes.model_settings(model))

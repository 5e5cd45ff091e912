"""Runs of the daemon: what being of a run costs a task, and how that grows with the tasks of the run.

The same model calls are done twice, as tasks of the queue and as tasks of a run, in the same shape. The peer
of tasks side by side are independent tasks; that of a chain is a chain of tasks that name each other in
`depends_on`, of which one is ready at a time as well. Measured is the whole path. A task of a run is told the
answer that it waits for and a task of the queue is not; a task of the queue is read for parts, which one of a
run is not, so the chain stands beside one that is never split, too.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import homes, processes
from benchmarks.curves import SIZES, Curve, Growth, sized_figure
from benchmarks.homes import Drained
from benchmarks.measure import Bar, Bench, Figure, figure
from commands import init
from cost.model_catalog import ModelCatalog
from runs.entering import House, new_run
from runs.known_models import KnownModels
from runs.request import read_start
from settings import Home, Settings
from store import runs
from store.sqlite_store import SqliteStore

CONCURRENCY: Final = 8
UNIT: Final = "tasks/s"
SHAPES: Final = ("side by side", "one after the other")
#: The size that stands beside tasks of the queue.
COMPARED: Final = 1_000
#: What stands beside each shape; the first is its peer.
PEERS: Final = {
    "side by side": ("independent tasks of the queue",),
    "one after the other": ("a chain in the queue, by depends_on", "such a chain, never split"),
}
_LEAST: Final = Bar(0.9, "at least", "ratio")


def run(bench: Bench) -> list[Figure]:
    """Measure shapes beside the plain road, and sizes beside each other."""
    sizes = SIZES[:2] if bench.is_quick else SIZES
    with processes.model_server() as model:
        found = bench.alternate(_drains(bench, model, sizes))
    beside = [_beside_the_queue(shape, found) for shape in SHAPES]
    return beside + [_by_size(shape, sizes, found) for shape in SHAPES]


def growth(figures: list[Figure]) -> Growth:
    """What the plot shows."""
    return Growth(
        "How runs of the daemon grow",
        "performance-durable-runs.svg",
        "tasks a second, whole path",
        [Curve.of_figures(shape, _what(shape), figures) for shape in SHAPES],
    )


def tasks(count: int, *, is_chain: bool, waits: str, **further: Any) -> list[dict[str, Any]]:
    """Model calls, side by side or one after the other; `waits` is how a task says what it waits for."""
    found: list[dict[str, Any]] = []
    for number in range(count):
        before = [f"t{number - 1:06}"] if is_chain and number else []
        found.append({"id": f"t{number:06}", "prompt": f"Say ok ({number}).", waits: before, **further})
    return found


def counted(size: int) -> tuple[int, int]:
    """How many of so many tasks warm up, and how many are counted; some are left, so that the end is busy."""
    size = min(size, COMPARED)
    return size // 5, size * 7 // 10


def _beside_the_queue(shape: str, found: Mapping[str, list[Drained]]) -> Figure:
    """Those of a run against those of the queue, in one shape and of one size."""
    own = found[_name(shape, COMPARED)]
    peers = {name: found[name] for name in PEERS[shape]}
    spent = "; ".join(f"{name} {_cpu(each):.2f}" for name, each in {"a run": own, **peers}.items())
    return figure(
        f"tasks of a run {shape}, against the queue",
        UNIT,
        [one.rate for one in own],
        beside={name: [one.rate for one in each] for name, each in peers.items()},
        bar=_LEAST,
        note=f"{COMPARED:,} tasks; CPU milliseconds a task of all processes: {spent}",
    )


def _cpu(drained: Sequence[Drained]) -> float:
    return statistics.median(sum(one.cpu_ms.values()) for one in drained)


def _by_size(shape: str, sizes: Sequence[int], found: Mapping[str, list[Drained]]) -> Figure:
    """A run of most tasks, with the smaller ones beside it."""
    rates = {size: [one.rate for one in found[_name(shape, size)]] for size in sizes}
    return sized_figure(_what(shape), rates, bar=_LEAST)


def _what(shape: str) -> str:
    return f"{shape}: {{size}} tasks in a run of the daemon"


def _name(shape: str, size: int) -> str:
    return f"a run {shape} of {size:,}"


def _drains(bench: Bench, model: str, sizes: Sequence[int]) -> dict[str, Callable[[], Drained]]:
    """The measurements; a run of the compared size is next to its peers, so that its minute is theirs."""
    found: dict[str, Callable[[], Drained]] = {}
    for shape in SHAPES:
        is_chain = shape != "side by side"
        for size in sizes:
            bench.say(f"preparing {_name(shape, size)}")
            asked = tasks(size, is_chain=is_chain, waits="deps")
            found[_name(shape, size)] = _drain(bench, model, prepare(bench.place("run"), asked), size)
            for name in PEERS[shape] if size == COMPARED else ():
                further = {"decompose": "never"} if "never split" in name else {}
                plain = tasks(size, is_chain=is_chain, waits="depends_on", **further)
                found[name] = _drain(bench, model, homes.prepare(bench.place("queue"), plain), size)
    return found


def _drain(bench: Bench, model: str, prepared: Path, size: int) -> Callable[[], Drained]:
    warm_up, count = counted(size)
    flags = ("--concurrency", str(CONCURRENCY))
    return lambda: homes.drain(bench, prepared, warm_up, count, *flags, **homes.model_settings(model))


def prepare(root: Path, asked: list[dict[str, Any]]) -> Path:
    """A home in which a run waits."""
    home, settings = Home(root), Settings()
    list(init.make(home, sample=False))
    with SqliteStore(home, settings) as store:
        models = KnownModels(settings, ModelCatalog(settings, []), store.reader)
        house = House(settings.limits, models, home.policies_file)
        request = read_start({"id": "r", "policy": {"max_parallelism": CONCURRENCY}, "tasks": asked})
        made = new_run(request, house)
        store.write(lambda tx: runs.start(tx, made, "bench", store.limits))
    return root

"""Runs of the daemon: what being of a run costs a task, how that grows, and how fast a run is started.

The same model calls are done twice, as tasks of the queue and as tasks of a run, in the same shape: side by
side, and one after the other. Measured is the whole path; of a run's task the context is made as well.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks import homes, processes
from benchmarks.homes import Drained
from benchmarks.measure import Bar, Bench, Figure, figure, percentile
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


def run(bench: Bench) -> list[Figure]:
    """Measure shapes beside the plain road, sizes beside each other, and starts over HTTP."""
    most = bench.size(10_000, 1_000)
    with processes.model_server() as model:
        drains = bench.alternate(_drains(bench, model, most))
        starts = _starts(bench, model, most)
    rates = {name: [one.rate for one in found] for name, found in drains.items()}
    least = Bar(0.9, "at least", "ratio")
    return [
        figure("a run side by side, against tasks of the queue", UNIT, rates["fan-out of a run"],
               beside={"tasks of the queue": rates["fan-out"]}, bar=least),
        figure("a run one after the other, against a chain in the queue", UNIT, rates["chain of a run"],
               beside={"a chain in the queue": rates["chain"]}, bar=least),
        figure(f"the same in a run of {most:,} tasks", UNIT, rates["chain of many"],
               beside={"in a run of fewer": rates["chain of a run"]}, bar=least),
        *starts,
    ]  # fmt: skip


def tasks(count: int, *, is_chain: bool, waits: str) -> list[dict[str, Any]]:
    """Model calls, side by side or one after the other; `waits` is how a task says what it waits for."""
    found: list[dict[str, Any]] = []
    for number in range(count):
        before = [f"t{number - 1:06}"] if is_chain and number else []
        found.append({"id": f"t{number:06}", "prompt": f"Say ok ({number}).", waits: before})
    return found


def _drains(bench: Bench, model: str, most: int) -> dict[str, Callable[[], Drained]]:
    warm_up, count = bench.size(200, 50), bench.size(800, 150)
    chain_count = bench.size(400, 80)

    def drain(prepared: Path, counted: int) -> Callable[[], Drained]:
        flags = ("--concurrency", str(CONCURRENCY))
        return lambda: homes.drain(bench, prepared, warm_up, counted, *flags, **homes.model_settings(model))

    found = {}
    for shape, counted in (("fan-out", count), ("chain", chain_count)):
        size, is_chain = warm_up + counted + 100, shape == "chain"
        bench.say(f"preparing a {shape} of {size:,}")
        plain = tasks(size, is_chain=is_chain, waits="depends_on")
        found[shape] = drain(homes.prepare(bench.place(f"plain-{shape}"), plain), counted)
        asked = tasks(size, is_chain=is_chain, waits="deps")
        found[f"{shape} of a run"] = drain(_prepare(bench.place(f"run-{shape}"), asked), counted)
    bench.say(f"preparing a chain of {most:,}")
    asked = tasks(most, is_chain=True, waits="deps")
    found["chain of many"] = drain(_prepare(bench.place("run-many"), asked), chain_count)
    return found


def _prepare(root: Path, asked: list[dict[str, Any]]) -> Path:
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


def _starts(bench: Bench, model: str, most: int) -> list[Figure]:
    """How long a start takes: of a run of one task, and of a chain."""
    root = bench.place("starts")
    list(init.make(Home(root), sample=False))
    try:
        daemon = homes.daemon(root, "--no-panel", **homes.model_settings(model))
        with daemon as running, running.client() as client:
            running.skep("pause")  # what runs beside it is another question
            single = [_start(client, [{"id": "a", "prompt": "Say ok."}]) for _ in range(bench.size(500, 50))]
            many = tasks(most, is_chain=True, waits="deps")
            chain = [_start(client, many) for _ in range(bench.rounds)]
    finally:
        shutil.rmtree(root, ignore_errors=True)
    p99 = percentile(single, 0.99) * 1000
    middle = percentile(single, 0.5) * 1000
    return [
        figure("start of a run of one task over HTTP, p99", "ms", [p99], bar=Bar(20, "under", "figure"),
               note=f"p50 {middle:.1f} ms, while nothing else is done"),
        figure(f"start of a chain of {most:,} over HTTP", "ms a task", [one * 1000 / most for one in chain]),
    ]  # fmt: skip


def _start(client: httpx.Client, asked: list[dict[str, Any]]) -> float:
    """Seconds until a run is accepted, durably."""
    began = time.perf_counter()
    answer = client.post("/api/v1/runs", json={"tasks": asked})
    taken = time.perf_counter() - began
    answer.raise_for_status()
    return taken

"""The panel over a full home, read while the worker works: what readers wait, and what the worker notices."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from benchmarks import full_home, homes, processes
from benchmarks.measure import Bar, Bench, Figure, figure, percentile
from benchmarks.panel_load import Asked, Visitors
from panel.navigation import PAGES
from settings import Home
from store import private_files
from testing.running_daemon import RunningDaemon

TASKS, EVENTS, WAITING = 100_000, 1_000_000, 30_000
RATE = 20.0
TABS = 200
BAR_S = 0.1


def run(bench: Bench) -> list[Figure]:
    """Measure readers beside a working daemon, the worker with and without them, and many tabs."""
    tasks, events = bench.size(TASKS, 4_000), bench.size(EVENTS, 20_000)
    prepared = full_home.prepare(bench, tasks, events, bench.size(WAITING, 2_000))
    with processes.model_server() as model:
        alone = [_work(bench, prepared, model, None) for _ in range(bench.rounds)]
        asked = Asked()
        beside = [_work(bench, prepared, model, asked) for _ in range(bench.rounds)]
        crowd = Asked()
        streams = _crowd(bench, prepared, model, crowd)
    return [*_waits(asked, tasks, events), _worker(alone, beside), _tabs(crowd, streams)]


def _work(bench: Bench, prepared: Path, model: str, asked: Asked | None) -> float:
    """Tasks a second of a worker on a copy of the home, while readers ask, or none do."""
    root = bench.place("panel")
    shutil.copytree(prepared, root)
    done_before = int(homes.read(root, "SELECT count(*) AS n FROM task WHERE state = 'approved'")[0]["n"])
    warm_up, count = bench.size(300, 50), bench.size(2_000, 200)
    try:
        with homes.daemon(root, **homes.model_settings(model)) as running:
            homes.wait_until_up(running)
            homes.wait_for_approved(root, done_before + warm_up)
            reader = threading.Thread(target=_read, args=(running, asked, bench.size(20, 4)))
            reader.start()
            homes.wait_for_approved(root, done_before + warm_up + count)
            ends = homes.moments(root, "task.approved")[done_before:]
            reader.join()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return count / (ends[warm_up + count - 1] - ends[warm_up - 1])


def _read(running: RunningDaemon, asked: Asked | None, seconds: float) -> None:
    if asked is None:
        return
    visitors = _visitors(running)
    paths = _paths(visitors, running.root)
    visitors.ask(paths, RATE, len(paths) / RATE)  # the first visit of some pages loads what they need
    found = visitors.ask(paths, RATE, seconds)
    for path, waits in found.waited.items():
        asked.waited.setdefault(path, []).extend(waits)
    asked.refused += found.refused
    visitors.close()


def _visitors(running: RunningDaemon) -> Visitors:
    token = private_files.read(Home(running.root).token)
    return Visitors(f"http://127.0.0.1:{running.panel_port}", token)


def _paths(visitors: Visitors, root: Path) -> list[str]:
    """Every page, every list of the API, and a task in the middle."""
    pages = ["/" if page.endpoint == "overview.show" else f"/{page.name}" for page in PAGES]
    task = str(homes.read(root, "SELECT id FROM task ORDER BY seq LIMIT 1 OFFSET 1000")[0]["id"])
    return [*pages, f"/tasks/{task}", "/pulse", *visitors.paths(), f"/api/v1/tasks/{task}"]


def _crowd(bench: Bench, prepared: Path, model: str, crowd: Asked) -> dict[int, int]:
    root = bench.place("panel")
    shutil.copytree(prepared, root)
    try:
        with homes.daemon(root, **homes.model_settings(model)) as running:
            homes.wait_until_up(running)
            visitors = _visitors(running)
            with visitors.tabs(TABS) as streams:
                found = visitors.ask(["/", "/tasks", "/api/v1/status"], RATE, bench.size(15, 4))
            crowd.waited, crowd.refused = found.waited, found.refused
            visitors.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return streams


def _waits(asked: Asked, tasks: int, events: int) -> list[Figure]:
    slowest = max(asked.waited, key=lambda path: percentile(asked.waited[path], 0.99))
    worst = percentile(asked.waited[slowest], 0.99)
    size = f"{tasks:,} tasks, {events:,} events"
    return [
        figure(
            f"panel beside a working worker, {size}: p99",
            "ms",
            [percentile(asked.all, 0.99) * 1000],
            bar=Bar(BAR_S * 1000, "under", "figure"),
            note=f"every page and list, 20 requests a second, each visited once before; "
            f"{len(asked.all):,} requests for {len(asked.waited)} addresses; "
            f"p50 {percentile(asked.all, 0.5) * 1000:.0f} ms; not answered: {len(asked.refused)}"
            + (f" ({', '.join(sorted(set(asked.refused))[:5])})" if asked.refused else ""),
        ),
        figure(
            "the same, the slowest address: p99",
            "ms",
            [worst * 1000],
            bar=Bar(BAR_S * 1000, "under", "figure"),
            note=f"{slowest}, {len(asked.waited[slowest])} requests",
        ),
    ]


def _worker(alone: list[float], beside: list[float]) -> Figure:
    return figure(
        "no-op commands through the whole path while the panel is read 20 times a second",
        "tasks/s",
        beside,
        beside={"nobody reads": alone},
        bar=Bar(0.9, "at least", "ratio"),
    )


def _tabs(crowd: Asked, streams: dict[int, int]) -> Figure:
    told = ", ".join(f"{count} answered {status}" for status, count in sorted(streams.items()))
    return figure(
        f"panel with {TABS} tabs of different browsers, each wanting a stream: p99 of pages",
        "ms",
        [percentile(crowd.all, 0.99) * 1000],
        bar=Bar(BAR_S * 1000, "under", "figure"),
        note=f"streams: {told}; those without ask once a second; not answered: {len(crowd.refused)}",
    )

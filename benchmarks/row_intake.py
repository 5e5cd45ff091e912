"""Ten thousand tasks dropped into queue.json: how long until they are in the store."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from benchmarks import homes, limits
from benchmarks.measure import Bar, Bench, Figure, figure
from settings import Home, Settings
from store.lanes import ConcurrencyLimits
from store.queue_file import plain_files
from store.queue_file.apply import Rules
from store.queue_file.taking_in import Taker
from store.sqlite_store import SqliteStore


def run(bench: Bench) -> list[Figure]:
    """Measure the taking in alone, and what a person sees of it, beside parsing and one bulk insert."""
    count = bench.size(10_000, 2_000)
    data = queue_file(count)
    results = bench.alternate(
        {
            "taken in": lambda: _take_in(bench, data),
            "parsed and inserted": lambda: limits.parse_and_insert_seconds(data, bench.place("bare")),
            "entered unchecked": lambda: limits.parse_and_enter_seconds(data, bench.place("unchecked")),
            "daemon": lambda: _drop(bench, data),
        }
    )
    limit = {
        "json.loads and one bulk insert": results["parsed and inserted"],
        "json.loads and all rows of the store, unchecked": results["entered unchecked"],
    }
    return [
        figure(
            f"taking in {count:,} tasks dropped in queue.json",
            "s",
            results["taken in"],
            beside=limit,
            bar=Bar(2.0, "under", "ratio"),
            note=f"{len(data) / 2**20:.1f} MiB; validated, hashed, with an event each, durable",
        ),
        figure(
            f"drop of {count:,} tasks to the start of the first, idle daemon",
            "s",
            results["daemon"],
            beside=limit,
        ),
    ]


def queue_file(count: int) -> bytes:
    """A file as a program would write it: about 300 bytes a task."""
    words = "say what the bees did on this day and which of the meadows they went to " * 3
    tasks = [
        {
            "id": f"task-{number:06}",
            "command": f"echo {number} {words}".strip(),
            "priority": number % 3,
            "tags": ["bench"],
        }
        for number in range(count)
    ]
    return json.dumps({"tasks": tasks, "completed": [], "failed": []}, indent=2).encode()


def _take_in(bench: Bench, data: bytes) -> float:
    """In this process, as the leader does it."""
    root = bench.place("taker")
    root.mkdir()
    settings = Settings()
    rules = Rules(settings.limits, ConcurrencyLimits({}, {}))
    try:
        with SqliteStore(Home(root), settings) as store:
            taker = Taker(store.writer, store.reader, rules, settings)
            (root / "saved.json").write_bytes(data)
            content = plain_files.read(root / "saved.json", settings.limits)
            began = time.monotonic()
            taker.take_in(content)
            return time.monotonic() - began
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _drop(bench: Bench, data: bytes) -> float:
    """By rename into the home of an idle daemon; nothing is claimed before all of it is committed."""
    root = bench.place("intake")
    with homes.daemon(root) as running:
        homes.wait_until_up(running)
        time.sleep(1.0)
        saved = _save(root / "queue.json", data)
        homes.wait_for_event(root, "task.in_progress")
        started = homes.moments(root, "task.in_progress")[0]
    shutil.rmtree(root, ignore_errors=True)
    return started - saved


def _save(path: Path, data: bytes) -> float:
    fresh = path.with_name("queue.json.edited")
    fresh.write_bytes(data)
    saved = time.time()
    fresh.replace(path)
    return saved

"""A daemon with nothing to do: what it costs to have it."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks import homes, processes
from benchmarks.measure import Bar, Bench, Figure, figure
from testing.running_daemon import REPOSITORY

#: What the three processes are made of, and nothing of ours.
BARE = "import flask, httpx, pydantic, sqlite3, waitress, sys; print(1, flush=True); sys.stdin.read()"

#: Seconds without a task before the watch begins: what looks less often after a minute of quiet does so then.
QUIET_S = 70


def run(bench: Bench) -> list[Figure]:
    """Measure CPU and memory of an idle daemon with its panel."""
    with homes.daemon(bench.place("idle")) as running:
        homes.wait_until_up(running)
        time.sleep(bench.size(QUIET_S, 3))
        pids = processes.pids_of(running)
        before, began = processes.cpu_of(running), time.monotonic()
        seconds = bench.size(30, 6)
        bench.say(f"watching for {seconds} s")
        time.sleep(seconds)
        after, elapsed = processes.cpu_of(running), time.monotonic() - began
        memory = {name: processes.memory_of(pid) for name, pid in pids.items()}
    spent = {name: (after[name] - before[name]) / elapsed * 100 for name in after}
    return [_cpu(spent, bench.size(QUIET_S, 3), seconds), *_memory(memory)]


def _cpu(spent: dict[str, float], quiet: int, seconds: int) -> Figure:
    told = ", ".join(f"{name} {share:.2f}" for name, share in spent.items() if name != "commands")
    return figure(
        f"idle daemon: CPU over {seconds} s, all processes with their supervisor",
        "% of a core",
        [sum(spent.values())],
        bar=Bar(1.0, "under", "figure"),
        note=f"after {quiet} s of quiet; {told}",
    )


def _memory(memory: dict[str, tuple[float, float]]) -> list[Figure]:
    counted = [memory[name] for name in (*processes.PROCESSES, processes.FORK_SERVER) if name in memory]
    bare_rss, bare_pss = _bare()
    told = ", ".join(f"{name} {rss:.0f}/{pss:.0f}" for name, (rss, pss) in memory.items())
    return [
        figure(
            "idle daemon: memory of worker, swarm, panel and their fork server (RSS)",
            "MB",
            [sum(rss for rss, _ in counted)],
            beside={"three bare Pythons with the same libraries": [3 * bare_rss]},
            bar=Bar(150, "under", "figure"),
            note=f"RSS/PSS each: {told}",
        ),
        figure(
            "idle daemon: memory of the same (PSS, shared pages counted once)",
            "MB",
            [sum(pss for _, pss in counted)],
            beside={"three bare Pythons with the same libraries": [3 * bare_pss]},
            bar=Bar(150, "under", "figure"),
        ),
    ]


def _bare() -> tuple[float, float]:
    """RSS and PSS of an interpreter that has imported the libraries."""
    with subprocess.Popen(
        [sys.executable, "-c", BARE],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        processes.first_line(process)
        return processes.memory_of(process.pid)

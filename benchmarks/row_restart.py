"""The plug is pulled in the middle of work: how long until the next task is claimed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import homes, processes
from benchmarks.measure import Bar, Bench, Figure, figure
from testing.running_daemon import REPOSITORY


def run(bench: Bench) -> list[Figure]:
    """Measure from SIGKILL of everything to the next claim, beside the start of an interpreter alone."""
    prepared = homes.prepare(bench.place("prepared-restart"), homes.commands(bench.size(5_000, 2_000)))
    results = bench.alternate({"restart": lambda: _restart(bench, prepared), "import alone": _import_alone})
    return [
        figure(
            "kill -9 of everything to the next claim",
            "s",
            results["restart"],
            beside={"Python importing the worker": results["import alone"]},
            bar=Bar(5.0, "under", "figure"),
            note="`skep up` is started again in the instant of the kill; thousands of tasks wait",
        )
    ]


def _restart(bench: Bench, prepared: Path) -> float:
    root = bench.place("restart")
    shutil.copytree(prepared, root)
    with homes.daemon(root) as running:
        homes.wait_for_approved(root, 50)
        killed = time.time()
        running.kill_everything()
        processes.wait_until_gone(running)
        after = homes.last_event(root)
        running.start()
        homes.wait_for_event(root, "task.in_progress", 1, after)
        claimed = homes.moments(root, "task.in_progress", after)[0]
    shutil.rmtree(root, ignore_errors=True)
    return claimed - killed


def _import_alone() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import worker"], cwd=REPOSITORY, check=True)
    return time.monotonic() - began

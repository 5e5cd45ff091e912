"""Every row of the benchmarks, in the order they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import (
    row_calls,
    row_checkpoints,
    row_cycle,
    row_drop,
    row_durable_runs,
    row_growth,
    row_http_runs,
    row_idle,
    row_intake,
    row_panel,
    row_path,
    row_planning,
    row_restart,
    row_runs,
    row_sandbox,
    row_store,
    row_tools,
)
from benchmarks.measure import Bench, Figure


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement and what it is about."""

    name: str
    told: str
    run: Callable[[Bench], list[Figure]]


ROWS = [
    Row("path", "no-op tasks through the whole path, beside huey and the bare limits", row_path.run),
    Row("growth", "the same with 100 to 100,000 tasks waiting, and the plot", row_growth.run),
    Row("store", "the bare store in batches, beside huey and bare SQLite", row_store.run),
    Row("tools", "tool routing: its cost by the number of tools, and how often it is right", row_tools.run),
    Row("drop", "drop in queue.json to start, beside huey's enqueue to start", row_drop.run),
    Row("cycle", "50 calls of /cycle at once, each a model call of 200 ms", row_cycle.run),
    Row("calls", "500 model calls of 200 ms, 50 at once, beside the limit and httpx", row_calls.run),
    Row("sandbox", "sandboxed commands by the runner alone, beside bare bwrap", row_sandbox.run),
    Row("checkpoints", "keeping the workspace after few and after many times", row_checkpoints.run),
    Row("intake", "10,000 tasks dropped at once, beside parsing and one bulk insert", row_intake.run),
    Row("planning", "what reading a prompt costs a task, and how often its plan is right", row_planning.run),
    Row("panel", "the panel over a full home, read while the worker works", row_panel.run),
    Row("runs", "graphs of 100 to 10,000 tasks in the orchestrator in memory", row_runs.run),
    Row(
        "durable-runs",
        "runs of the daemon beside tasks of the queue, and by their size",
        row_durable_runs.run,
    ),
    Row("http-runs", "starts of runs over HTTP, and a chain from its start to its end", row_http_runs.run),
    Row("restart", "kill -9 to the next claim", row_restart.run),
    Row("idle", "CPU and memory of an idle daemon", row_idle.run),
]

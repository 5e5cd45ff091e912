"""Homes with tasks in them, and daemons on them, for as long as a measurement takes.

Times come from the events the store keeps, never from when somebody looked.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.measure import Bench
from commands import init
from runtime_contract import Limits, normalize_task
from settings import Home, Settings
from store.database import open_reader
from store.queue_file.keeper import QueueFileKeeper
from store.records import Intake, NewTask
from store.sqlite_store import SqliteStore
from testing.running_daemon import RunningDaemon

PATIENCE_S = 120.0
LOOK_EVERY_S = 0.1
#: Of the daemon's log, shown where a measurement breaks.
LOG_LINES = 15


def commands(count: int) -> list[dict[str, Any]]:
    """Tasks that do nothing: ``true``."""
    return [{"id": f"task-{number:06}", "command": "true"} for number in range(count)]


def prompts(count: int) -> list[dict[str, Any]]:
    """Tasks that ask a model for a word."""
    return [{"id": f"task-{number:06}", "prompt": f"Say ok ({number})."} for number in range(count)]


def new_tasks(tasks: Iterable[Mapping[str, Any]]) -> Intake:
    """Tasks through the contract."""
    return Intake([NewTask(*normalize_task(dict(task), Limits())) for task in tasks])


def prepare(root: Path, tasks: Sequence[Mapping[str, Any]]) -> Path:
    """A home where these tasks wait and the queue file shows them."""
    home, settings = Home(root), Settings()
    list(init.make(home, sample=False))
    with SqliteStore(home, settings) as store:
        store.submit(new_tasks(tasks), "bench")
        keeper = QueueFileKeeper(home, settings, store.writer, lambda: store.reader, store.clock)
        keeper.start_up()
        keeper.project()
    return root


def submit(root: Path, tasks: Sequence[Mapping[str, Any]]) -> None:
    """Put tasks in from a process of their own, in one transaction, as ``skep add --file`` does."""
    with SqliteStore(Home(root), Settings()) as store:
        store.submit(new_tasks(tasks), "bench")


@contextlib.contextmanager
def daemon(root: Path, *flags: str, **environment: str) -> Iterator[RunningDaemon]:
    """A daemon as a person has it, that is killed at the end, whatever happens."""
    running = RunningDaemon(root, **({"SKEP_NICE": str(Settings().nice)} | environment))
    try:
        yield running.start(*flags)
    except Exception as error:
        # The home goes away with its log, so what it said goes along.
        error.add_note("\n".join(running.log().splitlines()[-LOG_LINES:]))
        raise
    finally:
        running.kill_everything()


def model_settings(url: str) -> dict[str, str]:
    """What the daemon is told of a model server. With it no mode is ever held back."""
    return {"SKEP_LLM_BASE_URL": url, "SKEP_LLM_MODEL": "test-model", "SKEP_LLM_API_KEY": "none"}


def read(root: Path, query: str, *values: object) -> list[Any]:
    """Rows of the home's store."""
    with contextlib.closing(open_reader(Home(root).database)) as connection:
        return connection.execute(query, values).fetchall()


def moments(root: Path, event: str, after: int = 0) -> list[float]:
    """When events of a kind were committed, Unix seconds, in order."""
    rows = read(root, "SELECT ts FROM event WHERE event = ? AND seq > ? ORDER BY seq", event, after)
    return [datetime.fromisoformat(row["ts"]).timestamp() for row in rows]


def last_event(root: Path) -> int:
    """The newest place in the history."""
    return int(read(root, "SELECT coalesce(max(seq), 0) AS seq FROM event")[0]["seq"])


def wait_for_approved(root: Path, count: int) -> int:
    """Wait until so many tasks are approved; how many are. Looking costs an index's count."""
    query = "SELECT count(*) AS count FROM task WHERE state = 'approved'"
    return wait_for(root, query, count, f"{count} approved tasks")


def wait_for_event(root: Path, event: str, count: int = 1, after: int = 0) -> int:
    """Wait until so many events of a kind came after a place."""
    query = "SELECT count(*) AS count FROM event WHERE event = ? AND seq > ?"
    return wait_for(root, query, count, f"{count} {event}", event, after)


def wait_for(root: Path, query: str, count: int, what: str, *values: object) -> int:
    """Wait until a query counts so many. Raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = int(read(root, query, *values)[0]["count"])
        if found >= count:
            return found
        time.sleep(LOOK_EVERY_S)
    raise TimeoutError(f"not seen within {PATIENCE_S:g} s: {what}")


def wait_until_up(running: RunningDaemon) -> None:
    """Wait until worker, swarm and panel serve."""
    wait_for_event(running.root, "daemon.leader")
    wait_for(
        running.root,
        "SELECT count(DISTINCT json_extract(data, '$.process')) AS count FROM event "
        "WHERE event = 'daemon.started' AND json_extract(data, '$.process') IN ('worker', 'swarm')",
        2,
        "worker and swarm",
    )
    processes.wait_for_port(running.panel_port)


@dataclass(frozen=True, slots=True)
class Drained:
    """How a home was worked through."""

    #: tasks approved a second
    rate: float
    #: CPU milliseconds a task of each process
    cpu_ms: dict[str, float]


def drain(bench: Bench, prepared: Path, warm_up: int, count: int, *flags: str, **environment: str) -> Drained:
    """Run a copy of a home; the rate of `count` approvals after the first `warm_up` of them."""
    root = bench.place("drain")
    shutil.copytree(prepared, root)
    try:
        with daemon(root, *flags, **environment) as running:
            first = wait_for_approved(root, warm_up), processes.cpu_of(running)
            last = wait_for_approved(root, warm_up + count), processes.cpu_of(running)
        ends = moments(root, "task.approved")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    done = max(1, last[0] - first[0])
    cpu = {name: (last[1][name] - first[1][name]) * 1000 / done for name in last[1]}
    return Drained(count / (ends[warm_up + count - 1] - ends[warm_up - 1]), cpu)

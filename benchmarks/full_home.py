"""A home that has been used for long: a hundred thousand tasks, most of them done, and a million events."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import host_platform
from benchmarks import homes
from benchmarks.measure import Bench
from outcome import Outcome, Verdict
from settings import Home, Settings
from store import recording
from store.claims import Claimant
from store.records import Claim
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

BATCH = 100
#: One in so many ends badly, so that every page has something to show.
FAILS_EVERY = 20


def prepare(bench: Bench, tasks: int, events: int, waiting: int) -> Path:
    """A home with so many tasks and events, of which the last `waiting` tasks still wait."""
    root = homes.prepare(bench.place("full"), homes.commands(tasks))
    with SqliteStore(Home(root), Settings()) as store:
        bench.say(f"{tasks - waiting:,} tasks are done")
        who = Claimant("worker-1", host_platform.this_process(), 3600.0)
        for _ in range((tasks - waiting) // BATCH):
            _finish(store, store.claim(who, BATCH))
    with contextlib.closing(sqlite3.connect(Home(root).database)) as connection, connection:
        _lengthen(connection, events)
    return root


def _finish(store: SqliteStore, claims: list[Claim]) -> None:
    def write(tx: Transaction) -> None:
        for claim in claims:
            _end(tx, claim)

    store.write(write)


def _end(tx: Transaction, claim: Claim) -> None:
    outcome = Outcome(
        status="completed",
        task_id=claim.id,
        lease=claim.ref.lease,
        mode=claim.task.mode,
        result="done",
        started_at=tx.now - 1,
        ended_at=tx.now,
    )
    recording.record_outcome(tx, outcome)
    recording.begin_review(tx, claim.ref, outcome, Verdict(decision="APPROVE", confidence=0.9), {})
    row = tx.one("get_task", id=claim.id)
    assert row is not None
    if row["seq"] % FAILS_EVERY == 0:
        recording.fail(tx, row, "exit_code", "exit code 1: no such file")
    else:
        recording.approve(tx, row, "critics")


def _lengthen(connection: sqlite3.Connection, events: int) -> None:
    """As if the tasks had been noted by name again and again: what the daemon writes a great deal of."""
    have, tasks = (
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("event", "task")
    )
    told = json.dumps({"reason": "the text of this task was seen again and is the same"})
    connection.executemany(
        "INSERT INTO event (ts, event, task_id, status, data) "
        "SELECT ts, 'task.edit_refused', task_id, status, ? FROM event WHERE seq = ?",
        ((told, number % have + 1) for number in range(max(0, events - have))),
    )
    assert tasks

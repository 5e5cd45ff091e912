"""The bare store: claim and finish, batched, each batch one durable commit."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import host_platform
from benchmarks import homes, huey_peer, limits
from benchmarks.measure import Bar, Bench, Figure, figure
from outcome import Outcome, Verdict
from settings import Home, Settings
from store import recording
from store.claims import Claimant
from store.records import Claim
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

BATCH = 100
VERDICT = Verdict(decision="APPROVE", confidence=0.95)

#: What is done with a batch of claims.
Finish = Callable[[SqliteStore, list[Claim]], None]


def run(bench: Bench) -> list[Figure]:
    """Measure claim and finish, and all that is written of a task, beside huey and bare SQLite."""
    count = bench.size(10_000, 2_000)
    measurements: dict[str, Callable[[], float]] = {
        "claim and finish": lambda: _rate(bench, count, finish),
        "everything": lambda: _rate(bench, count, start_and_finish),
        "bare SQLite": lambda: limits.sqlite_claims_rate(bench.place("bare"), count, BATCH),
    }
    if huey_peer.is_installed():
        measurements["huey"] = lambda: huey_peer.drain_rate(bench.place("huey"), bench.size(3_000, 1_000))
    rates = bench.alternate(measurements)
    beside = {"huey, one worker": rates.get("huey", []), "bare SQLite, same batches": rates["bare SQLite"]}
    return [
        figure(
            f"bare store: claim and finish, {BATCH} in a commit",
            "tasks/s",
            rates["claim and finish"],
            beside=beside,
            bar=Bar(1.0, "at least", "ratio"),
            note="finish is: completed, pending_review and approved, with their events",
        ),
        figure(
            f"bare store: every write of a task's road, {BATCH} in a commit",
            "tasks/s",
            rates["everything"],
            beside=beside,
            note="claim, start of the cycle, outcome, review and end",
        ),
    ]


def _rate(bench: Bench, count: int, do: Finish) -> float:
    root = bench.place("store")
    try:
        with SqliteStore(_home(root), Settings()) as store:
            store.submit(homes.new_tasks(homes.commands(count)), "bench")
            return _work_off(store, count, do)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _home(root: Path) -> Home:
    root.mkdir()
    return Home(root)


def _work_off(store: SqliteStore, count: int, do: Finish) -> float:
    who = Claimant("bench", host_platform.this_process(), 30.0)
    began = time.monotonic()
    done = 0
    while claims := store.claim(who, BATCH):
        do(store, claims)
        done += len(claims)
    if done != count:
        raise RuntimeError(f"{done} of {count} tasks were claimed")
    return count / (time.monotonic() - began)


def finish(store: SqliteStore, claims: list[Claim]) -> None:
    """Approve a batch in one transaction."""

    def approve(tx: Transaction) -> None:
        for claim in claims:
            _approve(tx, claim)

    store.write(approve)


def start_and_finish(store: SqliteStore, claims: list[Claim]) -> None:
    """All that worker and swarm write of a task, in the three transactions that they need."""
    store.write(lambda tx: [recording.start_cycle(tx, claim.ref, "bench/1/1") for claim in claims])
    store.write(lambda tx: [recording.record_outcome(tx, _outcome(claim)) for claim in claims])
    finish(store, claims)


def _approve(tx: Transaction, claim: Claim) -> None:
    row = recording.begin_review(tx, claim.ref, _outcome(claim), VERDICT, {})
    assert row is not None
    recording.approve(tx, row, VERDICT.reviewer)


def _outcome(claim: Claim) -> Outcome:
    return Outcome(
        status="completed",
        task_id=claim.id,
        lease=claim.ref.lease,
        mode="local",
        exit_code=0,
        started_at=time.time(),
        ended_at=time.time(),
    )

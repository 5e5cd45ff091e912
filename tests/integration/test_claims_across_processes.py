"""Sixteen processes claim a thousand tasks: each exactly once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import host_platform
from settings import Home, Settings
from store.claims import Claimant
from store.records import Intake
from store.sqlite_store import SqliteStore
from testing.tasks import new_task

TASKS = 1000
PROCESSES = 16


def claim_until_none_is_left(root: Path, number: int, start, taken) -> None:
    settings = Settings()
    with SqliteStore(Home(root), settings) as store:
        who = Claimant(f"worker-{number}", host_platform.this_process(), settings.lease_s)
        start.wait()
        ids = []
        while claims := store.claim(who, 1 + number % 7):
            ids += [(claim.id, claim.ref.lease, claim.attempt) for claim in claims]
        taken.put(ids)


def test_sixteen_processes_claim_a_thousand_tasks_each_exactly_once(tmp_path):
    with SqliteStore(Home(tmp_path), Settings()) as store:
        store.submit(Intake(new=[new_task(id=f"t{number}") for number in range(TASKS)]), "test")
    spawn = multiprocessing.get_context("spawn")
    start, taken = spawn.Barrier(PROCESSES), spawn.Queue()
    workers = [
        spawn.Process(target=claim_until_none_is_left, args=(tmp_path, number, start, taken))
        for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    claims = [claim for _ in workers for claim in taken.get(timeout=100)]
    for worker in workers:
        worker.join()
        worker.close()
    taken.close()
    taken.join_thread()
    assert sorted(claims) == sorted((f"t{number}", 1, 1) for number in range(TASKS))

"""What tests of leases do again and again to a store."""

from __future__ import annotations

from host_platform import ProcessId
from store import claims, recording
from store.claims import Claimant
from store.records import Intake
from testing.tasks import new_task

WHAT = "its worker worker-test ended"


def submit(store, *tasks) -> None:
    store.submit(Intake(new=list(tasks)), "test")


def claim_one(store, who, **fields):
    submit(store, new_task(**({"id": "a"} | fields)))
    (claim,) = store.claim(who, 1)
    return claim


def state(store, task_id: str = "a") -> str:
    return store.reader.task(task_id)["state"]


def kinds(store, task_id: str = "a") -> list[str]:
    return [row["event"] for row in store.reader.events(task_id=task_id)]


def interrupt(store, claim, effect: str, limit: int = 3) -> None:
    def work(tx) -> None:
        row = claims.held(tx, claim.ref, "an interruption")
        if row is not None:
            recording.interrupted(tx, row, effect, limit, WHAT)

    store.write(work)


def someone(store, pid: ProcessId, name: str = "worker-2") -> Claimant:
    return Claimant(name, pid, store.settings.lease_s)

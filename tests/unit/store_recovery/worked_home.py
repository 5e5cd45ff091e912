"""A home on which work was done: a store, its log and its queue file, and ways to damage them."""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path
from typing import Any, Self

import host_platform
from outcome import Outcome, Verdict
from settings import Home, Settings
from store import backup, database, recording
from store.claims import Claimant
from store.execution_log import LogExporter, VerifyResult, verify
from store.queue_file.keeper import QueueFileKeeper
from store.records import Claim, Intake, Question
from store.recovery import Recovered, recover_if_damaged
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.new_home import put_database
from testing.tasks import new_task


class WorkedHome:
    """A home whose daemon is played by the test."""

    def __init__(self, root: Path, clock: FakeClock, **settings: Any) -> None:
        self.home = Home(root)
        self.clock = clock
        self.settings = Settings(**{"log_rotate_bytes": 2**40, "disk_free_bytes": 0, **settings})
        self.store: SqliteStore | None = None

    # -- what a daemon does --------------------------------------------------------------------------------

    def open(self) -> Self:
        """Open the store and what the leader uses."""
        self.store = SqliteStore(put_database(self.home), self.settings, self.clock)
        reader = functools.partial(database.open_reader, self.home.database)
        self.exporter = LogExporter(
            self.home.log_file, self.settings.log_rotate_bytes, reader, self.opened.writer
        )
        self.keeper = QueueFileKeeper(
            self.home, self.settings, self.opened.writer, lambda: self.opened.reader, self.clock
        )
        self.keeper.start_up()
        return self

    @property
    def opened(self) -> SqliteStore:
        assert self.store is not None
        return self.store

    def show(self) -> None:
        """Write the log and the queue file."""
        self.export()
        self.keeper.look()
        self.clock.advance(2.0)
        self.keeper.project()
        self.export()

    def export(self) -> None:
        self.exporter.export_new()
        self.exporter.sync()

    def back_up(self) -> None:
        assert backup.Backup(self.home, self.settings, self.clock).run()

    def close(self) -> WorkedHome:
        """A stop in good order."""
        self.exporter.close()
        self.opened.close()
        self.store = None
        return self

    def pull_the_plug(self, root: Path) -> WorkedHome:
        """What is on disk at this moment, as another home."""
        shutil.copytree(self.home.root, root)
        (root / ".swarm" / "leader.lock").unlink(missing_ok=True)
        return WorkedHome(root, self.clock, **self.settings.model_dump(exclude_defaults=True))

    # -- work ----------------------------------------------------------------------------------------------

    def add(self, *ids: str, **fields: Any) -> None:
        self.opened.submit(Intake(new=[new_task(id=name, **fields) for name in ids]), "test")

    def claim(self, *ids: str) -> list[Claim]:
        """Claim these, which must be next, or everything."""
        who = Claimant("worker-test", host_platform.this_process(), 30.0)
        found = self.opened.claim(who, len(ids) or 1000)
        assert not ids or sorted(claim.id for claim in found) == sorted(ids)
        return found

    def conclude(self, claim: Claim, end: str = "approved") -> None:
        """What the judge does: approved, failed, requeue, or held for a person."""

        def conclude(tx):
            verdict = Verdict(
                decision="APPROVE" if end == "approved" else "REJECT", confidence=0.9, issues=["bad"]
            )
            row = recording.begin_review(tx, claim.ref, outcome_of(claim), verdict, {})
            assert row is not None
            if end == "approved":
                recording.approve(tx, row, "critics")
            elif end == "failed":
                recording.fail(tx, row, "rejected", "it was bad")
            elif end == "requeue":
                recording.requeue(tx, row, "once more", feedback=["bad"], rejected=True)
            else:
                payload = {"task": claim.id, "grant": None}
                recording.hold(
                    tx, row, Question("review", f"Is {claim.id} good?", ("approve", "reject"), payload)
                )

        self.opened.write(conclude)

    def do(self, *ids: str, end: str = "approved", **fields: Any) -> None:
        """Add tasks and bring them to their end."""
        self.add(*ids, **fields)
        for claim in self.claim(*ids):
            self.conclude(claim, end)

    # -- disasters -----------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """What happens after a backup."""
        parent, *_ = self.claim("parent")
        self.conclude(parent)
        self.do("done-late", "done-late-2")
        self.do("bad", end="failed", max_attempts=1)
        self.add("waiting", priority=7, tags=["x"])
        self.show()

    def zero_the_header(self) -> None:
        """Damage the database where every reader begins."""
        self.overwrite(0, bytes(100))

    def overwrite(self, start: int, content: bytes, name: str = "state.db") -> None:
        """Write over a part of a file of the store."""
        with (self.home.state / name).open("r+b") as file:
            file.seek(start)
            file.write(content)

    def recover(self, **options: Any) -> Recovered | None:
        return recover_if_damaged(self.home, self.settings, self.clock, **options)

    # -- what is there -------------------------------------------------------------------------------------

    def states(self) -> dict[str, str]:
        return {row["id"]: row["state"] for row in self.opened.reader.tasks()}

    def statuses(self, task_id: str) -> list[str]:
        rows = self.opened.reader.events(task_id=task_id)
        return [row["status"] for row in rows if row["status"]]

    def event(self, kind: str) -> dict[str, Any]:
        """The newest event of a kind."""
        found = [row for row in self.opened.reader.events() if row["event"] == kind]
        return json.loads(found[-1]["data"])

    def count(self, kind: str, task_id: str | None = None) -> int:
        return sum(row["event"] == kind for row in self.opened.reader.events(task_id=task_id))

    def accept(self, recovered: Recovered) -> None:
        self.opened.approve(recovered.decision, "tester")

    def verify(self) -> VerifyResult:
        """Hold the log against the store."""
        self.export()
        return verify(self.home, patience_s=0.05)


def outcome_of(claim: Claim) -> Outcome:
    return Outcome(
        status="completed",
        task_id=claim.id,
        lease=claim.ref.lease,
        mode=claim.task.mode,
        result=f"did {claim.id}",
        exit_code=0,
        started_at=1.0,
        ended_at=2.0,
    )

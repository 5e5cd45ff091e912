"""A home with a keeper whose clock stands still until it is moved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from host_platform import this_process
from runtime_contract import Status
from settings import Home, Settings
from store import claims, ending, recording, steering
from store.claims import Claimant
from store.queue_file import QueueFileKeeper
from store.records import Question, TaskRef
from store.sqlite_store import SqliteStore
from testing.new_home import put_database


class StandingClock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def now(self) -> float:
        self.seconds += 0.001
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class Keeping:
    """A home, its store and the keeper of its queue file."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.home = Home(root)
        self.settings = Settings(**settings)
        self.clock = StandingClock()
        self.store = SqliteStore(put_database(self.home), self.settings, self.clock)
        self.keeper = self.new_keeper()
        self.file = self.home.queue_file

    def new_keeper(self) -> QueueFileKeeper:
        return QueueFileKeeper(
            self.home, self.settings, self.store.writer, lambda: self.store.reader, self.clock
        )

    def restart(self) -> None:
        self.keeper = self.new_keeper()
        self.keeper.start_up()

    def close(self) -> None:
        self.store.close()

    # -- the person ------------------------------------------------------------------------------------

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text("utf-8"))
        return found

    def entry(self, task_id: str) -> dict[str, Any]:
        return next(
            each
            for section in ("tasks", "completed", "failed")
            for each in self.shown()[section]
            if each["id"] == task_id
        )

    def save(self, content: Any) -> None:
        """Save as most editors do: a new file, renamed over the old."""
        beside = self.file.with_name("saving.tmp")
        data = content if isinstance(content, bytes) else json.dumps(content, indent=2).encode()
        beside.write_bytes(data)
        beside.replace(self.file)

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        content = self.shown()
        change(content)
        self.save(content)

    def look(self) -> bool:
        return self.keeper.look()

    def round(self) -> None:
        """Take in and show."""
        self.keeper.look()
        self.clock.advance(1)
        self.keeper.project()

    def put(self, *tasks: Any, **top: Any) -> None:
        """Save a file with these tasks added, and go round."""
        content = self.shown() if self.file.exists() else {"tasks": []}
        content["tasks"] += list(tasks)
        self.save(content | top)
        self.round()

    # -- the daemon ------------------------------------------------------------------------------------

    def claim(self) -> TaskRef:
        who = Claimant("w", this_process(), 30)
        return self.store.claim(who, 1)[0].ref

    def finish(self, ref: TaskRef, status: Status) -> None:
        def finish(tx: Any) -> None:
            row = claims.held(tx, ref, "a result")
            assert row is not None
            if status is Status.APPROVED:
                tx.run("to_review", seq=row["seq"], result='{"result":"done"}')
                recording.approve(tx, steering.find(tx, ref.id), "critics")
            else:
                ending.end_task(tx, row, status, code="x", reason="it went wrong")

        self.store.write(finish)

    def hold(self, ref: TaskRef) -> None:
        """Ask a person about what a task that runs has brought."""

        def hold(tx: Any) -> None:
            row = claims.held(tx, ref, "a result")
            assert row is not None
            tx.run("to_review", seq=row["seq"], result='{"result":"done"}')
            question = Question("review", "Is it good?", ("approve", "reject"), {"task": ref.id})
            recording.hold(tx, steering.find(tx, ref.id), question)

        self.store.write(hold)

    def do(self, task_id: str, status: Status) -> None:
        """Run one task to an end; it must be the first that is ready."""
        ref = self.claim()
        assert ref.id == task_id
        self.finish(ref, status)

    # -- the observer ----------------------------------------------------------------------------------

    def status(self, task_id: str) -> str:
        row = self.store.reader.task(task_id)
        from store.records import STATUS_OF_STATE

        return "none" if row is None else STATUS_OF_STATE[row["state"]].value

    def statuses(self) -> dict[str, str]:
        return {row["id"]: self.status(row["id"]) for row in self.store.reader.tasks()}

    def doc(self, task_id: str) -> dict[str, Any]:
        row = self.store.reader.task(task_id)
        assert row is not None
        found: dict[str, Any] = json.loads(row["doc"])
        return found

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [
            {"task_id": row["task_id"], **json.loads(row["data"])}
            for row in self.store.reader.events()
            if row["event"] == kind
        ]

    def fingerprint(self) -> list[tuple[Any, ...]]:
        """Everything that says what tasks are, without what only counts looks."""
        rows = self.store.reader.tasks()
        return [(row["id"], row["state"], row["version"], row["doc"], row["attempts"]) for row in rows]


@contextmanager
def begun(root: Path) -> Iterator[Keeping]:
    """A home whose keeper has taken in what is there and shown it."""
    made = Keeping(root)
    made.keeper.start_up()
    made.keeper.project()
    yield made
    made.close()

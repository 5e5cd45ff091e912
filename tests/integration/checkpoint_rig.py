"""A home whose tasks change files and are approved, for tests of checkpoints."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from click.testing import CliRunner

import skep
from outcome import Verdict
from review.checkpoints.keeping import Keeper
from settings import Home, Settings
from store import recording
from store.records import Intake
from store.sqlite_store import SqliteStore
from testing.tasks import new_task
from tests.conformance.store_suite import outcome_of


class Rig:
    """A home whose tasks change files as a test says."""

    def __init__(self, home: Home, store: SqliteStore, who: Any, **settings: Any) -> None:
        self.home, self.store, self._who = home, store, who
        self.settings = Settings.model_validate(settings)
        self.keeper = Keeper(home, self.settings, store)
        self.files = home.workspace

    def approve(self, task_id: str, *, may_write: bool = True) -> None:
        """A task whose command had the right to write is approved."""
        self.store.submit(Intake(new=[new_task(id=task_id, command="true")]), "test")
        (claim,) = self.store.claim(self._who, 1)
        outcome = outcome_of(claim, mode="local", may_write=may_write or None)

        def judge(tx: Any) -> None:
            row = recording.begin_review(
                tx, claim.ref, outcome, Verdict(decision="APPROVE", confidence=1), {}
            )
            assert row is not None
            recording.approve(tx, row, "critics")

        self.store.write(judge)

    def did(self, task_id: str, **files: str | None) -> None:
        """A task writes files, or with None takes them away, is approved, and its checkpoint is made."""
        for name, text in files.items():
            path = self.files / name.replace("__", "/").replace("_", ".")
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.approve(task_id)
        self.keeper.keep_due()

    def row(self, task_id: str) -> Any:
        """The checkpoint of a task, whatever became of it."""
        return self.store.reader.one("newest_checkpoint_of", task=self.store.reader.task(task_id)["seq"])  # type: ignore[index]

    def row_of(self, number: int) -> Any:
        """The checkpoint of a number."""
        return self.store.reader.one("get_checkpoint", number=number)

    def git(self, *arguments: str) -> str:
        """What a git of the test's own says of the repository."""
        command = ["git", "--git-dir", str(self.home.checkpoints), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def held(self, task_id: str) -> set[str]:
        """The files that a checkpoint holds."""
        return set(self.git("ls-tree", "-r", "--name-only", self.row(task_id)["commit_id"]).splitlines())

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What was told."""
        rows = [row for row in self.store.reader.events() if row["event"] == kind]
        return [{"task_id": row["task_id"]} | json.loads(row["data"]) for row in rows]

    def skep(self, *arguments: str, code: int = 0) -> str:
        """What a verb prints."""
        result = CliRunner().invoke(skep.cli, ["--home", str(self.home.root), *arguments])
        assert result.exit_code == code, result.output
        return result.output

"""The command line over the home and store of ``tests/conftest.py``, and tasks walked to any state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

import skep
from outcome import Failure, Outcome, Verdict
from road import agreement
from safety.work import Approved, Rights
from settings import Home
from store import agreements, claims, recording
from store.outputs import OutputSink
from store.records import Claim, Intake, Question, digest_of_ask
from store.sqlite_store import SqliteStore
from testing.tasks import new_task

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    import os

    for name in [name for name in os.environ if name.startswith("SKEP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SKEP_OLLAMA_URL", "http://127.0.0.1:1")


@pytest.fixture
def run(home: Home) -> Run:
    """Run a verb in the home."""

    def invoke(*arguments: str, given: str | bytes | None = None, code: int = 0) -> Result:
        result = CliRunner().invoke(skep.cli, ["--home", str(home.root), *arguments], input=given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, (arguments, result.exit_code, result.output)
        return result

    return invoke


@pytest.fixture
def ask(run: Run) -> Callable[..., Any]:
    """Run a verb with --json and read what it prints."""
    return lambda *arguments, **options: json.loads(run(*arguments, "--json", **options).stdout)


class Walk:
    """Brings tasks to where a test needs them."""

    def __init__(self, store: SqliteStore, who) -> None:
        self.store = store
        self._who = who

    def submit(self, *tasks: dict[str, Any]) -> None:
        self.store.submit(Intake(new=[new_task(**task) for task in tasks]), "test")

    def claim(self, **task: Any) -> Claim:
        self.submit(task)
        claimed = self.store.claim(self._who, 100)
        return next(claim for claim in claimed if claim.id == task["id"])

    def approved(self, output: bytes = b"fine\n", **task: Any) -> None:
        self._judge(self.claim(**task), "APPROVE", output, recording.approve, "critics")

    def cut(self, output: bytes, missing: int, *, note: bytes = b"", **task: Any) -> None:
        """An approved task whose output was cut, with the runner's note behind it."""
        claim = self.claim(**task)
        fields = {"output_cut": missing, "output_bytes": len(output)}
        self._judge(claim, "APPROVE", output + note, recording.approve, "critics", **fields)

    def failed(self, output: bytes = b"", **task: Any) -> None:
        failure = Failure(code="exit_code", message="no such file")
        self._judge(
            self.claim(**task), "REJECT", output, recording.fail, "rejected", "it ended with exit code 2",
            exit_code=2, failure=failure,
        )  # fmt: skip

    def held(self, output: bytes = b"a draft\n", **task: Any) -> None:
        claim = self.claim(**task)
        about = {
            "task": claim.id,
            "asked": digest_of_ask(claim.task),
            "attempt": claim.attempt,
            "output_ref": hashlib.sha256(output).hexdigest(),
            "output": output[:1000].decode(),
        }
        question = Question("review", "Is it good?", ("approve", "reject"), about)
        self._judge(claim, "HELD", output, recording.hold, question)

    def waits_for_leave(self, argv: tuple[str, ...], **task: Any) -> None:
        """A command that a person must agree to, asked about as the road does."""
        rights = Rights(network=True, write_paths=("/var/tmp/agent",), needs_person=True)
        approved = Approved.command(argv, {"PATH": "/usr/bin"}, rights=rights)
        claim = self.claim(**task)
        self.store.write(lambda tx: agreements.hold(tx, claim.ref, agreement.question(claim, approved)))

    def interrupted(self, **task: Any) -> None:
        """An unsafe task whose worker ended in the middle of it."""
        claim = self.claim(**task)
        self.store.start_cycle(claim.ref, "swarm")

        def interrupt(tx) -> None:
            row = claims.held(tx, claim.ref, "an interruption")
            assert row is not None
            recording.interrupted(tx, row, "unsafe", 3, "its worker ended")

        self.store.write(interrupt)

    def _judge(self, claim: Claim, verdict: str, output: bytes, conclude, *rest: Any, **fields: Any) -> None:
        self.store.start_cycle(claim.ref, "swarm")
        sink = OutputSink(self.store.home.outputs, f"{claim.seq}-{claim.ref.lease}", 10_000_000)
        sink.write(output)
        stored = sink.close()
        outcome = Outcome(
            **{"status": "completed", "task_id": claim.id, "lease": claim.ref.lease, "mode": claim.task.mode,
               "result": "it ran", "output_ref": stored.ref, "output_bytes": stored.bytes,
               "started_at": 1_800_000_000.0, "ended_at": 1_800_000_001.0} | fields
        )  # fmt: skip
        self.store.record_outcome(outcome)

        def judge(tx) -> None:
            row = recording.begin_review(
                tx, claim.ref, outcome, Verdict(decision=verdict, confidence=0.9), {}
            )
            assert row is not None
            conclude(tx, row, *rest)

        self.store.write(judge)


@pytest.fixture
def walk(store: SqliteStore, who) -> Walk:
    return Walk(store, who)

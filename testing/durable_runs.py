"""A run of the daemon driven by hand: claims, what a task is sent and its end, without processes or time."""

from __future__ import annotations

import functools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from attempts import AttemptPolicy
from limits import Limits
from outcome import Failure, Outcome, Verdict
from road.judging import Judge
from road.run_prompts import Given, RunPrompts
from run_contract.policy import Role, RunPolicy
from runs import views
from runs.entering import House, added_tasks, forked, new_run
from runs.originals import original_of
from runs.request import read_enqueue, read_fork, read_start
from runs.task_shapes import shapes_of
from runs.within import MOST_NESTED
from runs.work import WorkFailed
from runtime_contract import NO_EXPECT
from store import claims, recording, run_cache, run_growth, run_shapes, run_steering, runs
from store.claims import Claimant
from store.lanes import Gate
from store.outputs import read_output
from store.records import Claim, TaskRef
from store.sqlite_store import SqliteStore
from store.transaction import Transaction, dump
from tool_router import NO_ROUTE


class EveryModel:
    """Knows every model by name, and one for each role."""

    def of_role(self, role: Role) -> str | None:
        """A model that has the role."""
        return f"{role}-model"

    def is_known(self, name: str) -> bool:
        """They all are."""
        return True


class DurableRuns:
    """The store's side of runs, and a worker that does what a test says.

    Parameters:
        work: what a task answers, by its id within the run; raises `ValueError` where it fails, and
            `WorkFailed` where another try may help.
    """

    def __init__(self, store: SqliteStore, who: Claimant, work: Callable[[str], str]) -> None:
        self.store = store
        self.who = who
        self.work = work
        #: ids of the tasks in the order they were begun
        self.begun: list[str] = []
        self.prompts = RunPrompts(store, _no_output, EveryModel())
        self.house = House(Limits(), EveryModel(), Path("/nonexistent/policies.toml"))
        #: the model that each task was last asked of
        self.asked: dict[str, str | None] = {}
        #: whether what runs ends when it is asked to; else its answer comes all the same
        self.heeds_stop = True
        #: what was claimed and has not ended, oldest first
        self.flying: deque[Claim] = deque()
        #: the prompts that were sent, by the task's id within the run
        self.sent: dict[str, str] = {}
        self._chance = random.Random(1)
        #: what was asked, where the answer may be taken again
        self._keys: dict[TaskRef, str | None] = {}
        self._judge = Judge(lambda ref, work: store.write(work), _no_output, Path(), AttemptPolicy())

    def read_outputs(self, folder: Path) -> None:
        """Read answers that are stored, which those of a list are."""
        self.prompts = RunPrompts(self.store, functools.partial(read_output, folder), EveryModel())

    def start(self, **request: Any) -> str:
        """Start a run; its id."""
        made = new_run(read_start(request), replace(self.house, nested=[MOST_NESTED]))
        return str(self.store.write(lambda tx: runs.start(tx, made, "test", self.store.limits))["id"])

    def fork(self, run_id: str, **request: Any) -> str:
        """Start a fork of a run; its id."""
        row = self.store.reader.one("get_run", id=run_id)
        assert row is not None
        house = replace(self.house, nested=[MOST_NESTED])
        made = forked(original_of(self.store.reader, row), read_fork(request), house)
        return str(self.store.write(lambda tx: runs.start(tx, made, "test", self.store.limits))["id"])

    def add(self, run_id: str, *tasks: dict[str, Any]) -> None:
        """Add tasks to a run."""
        self.read_for(run_id, *tasks)()

    def read_for(self, run_id: str, *tasks: dict[str, Any]) -> Callable[[], object]:
        """Hold tasks to a run as it is now; what adds them to it as it is then."""
        row = self.store.reader.one("get_run", id=run_id)
        assert row is not None
        policy = RunPolicy.model_validate_json(row["policy"])
        asked = read_enqueue({"tasks": [*tasks]}).tasks
        wanted = dump(sorted({dep for each in asked for dep in each.deps}))
        known = [each["id"] for each in self.store.reader.all("run_known_tasks", run=row["seq"], ids=wanted)]
        there = run_shapes.there(self.store.reader, row, shapes_of(asked))
        made = added_tasks(asked, run_id, policy, frozenset(), known, self.house, there)
        return lambda: self.store.write(lambda tx: runs.add(tx, run_id, made, "test", self.store.limits))

    def claim(self, slots: int = 100) -> None:
        """Claim whatever may start, one after the other; those that end without work end."""
        while len(self.flying) < slots:
            rows = self.store.write(lambda tx: claims.claim(tx, self.who, 1, Gate(), self.store.limits))
            if not rows:
                return
            claim = Claim.from_row(rows[0])
            given = self.prompts.given(claim, "0" * 16)
            if given is not None and not self._is_answered(claim, given) and self._may_begin(claim, given):
                name = claim.id.partition(":")[2]
                self.asked[name] = given.model or claim.task.model
                self.begun.append(name)
                self.sent[name] = given.prompt or ""
                self.flying.append(claim)

    def _is_answered(self, claim: Claim, given: Given) -> bool:
        """Whether a task was given the answer that the same question had before."""
        asked = {"prompt": given.prompt or claim.task.prompt, "model": given.model or claim.task.model}
        key = self.prompts.cache.key(claim.task, asked) if given.is_cached else None
        self._keys[claim.ref] = key
        return key is not None and self.prompts.cache.answer(claim, key)

    def _may_begin(self, claim: Claim, given: Given) -> bool:
        """Whether nothing holds a task that is ready to be sent; else it is put back. Here nothing does."""
        return True

    def turn(self) -> bool:
        """Claim what may start, and end the oldest of what runs; false where nothing does."""
        self.claim()
        if not self.flying:
            return False
        claim = self.flying.popleft()
        row = self.store.reader.task(claim.id)
        if self.heeds_stop and row is not None and row["cancel_requested"]:
            self.store.write(lambda tx: recording.cancel_running(tx, claim.ref, "a test"))
        else:
            self._end(claim)
        return True

    def works_next(self) -> bool:
        """Whether the next turn does work, and does not only end what was asked to stop."""
        row = self.store.reader.task(self.flying[0].id) if self.flying else None
        return row is not None and not row["cancel_requested"]

    def go(self, run_id: str) -> dict[str, Any]:
        """Work until nothing is left to do; the run as its page tells it."""
        while self.turn():
            pass
        return self.shown(run_id)

    def abort(self, run_id: str) -> None:
        """Abort a run."""
        self.store.write(lambda tx: run_steering.abort(tx, run_id, "test"))

    def shown(self, run_id: str) -> dict[str, Any]:
        """A run as its page tells it."""
        row = self.store.reader.one("get_run", id=run_id)
        assert row is not None
        return views.whole(self.store.reader, row)

    def _end(self, claim: Claim) -> None:
        name = claim.id.partition(":")[2]
        try:
            text = self.work(name)
        except (ValueError, WorkFailed) as error:
            self._judge.conclude(claim, _failing(claim, error), NO_ROUTE, self._chance)
        else:
            if claim.task.expect == NO_EXPECT or claim.task.expect.files:  # whose critics look elsewhere
                self.store.write(self._completing(claim, text))
            else:
                self._judge.conclude(claim, _completed(claim, text), NO_ROUTE, self._chance)

    def _completing(self, claim: Claim, text: str) -> Callable[[Transaction], None]:
        outcome, verdict = _completed(claim, text), Verdict(decision="APPROVE", confidence=0.9)
        growth = self.prompts.growth_of(claim, outcome)

        def conclude(tx: Transaction) -> None:
            if growth is not None:
                run_growth.note(tx, claim.seq, claim.ref, growth)
            run_cache.note_key(tx, claim.seq, self._keys.pop(claim.ref, None))
            row = recording.begin_review(tx, claim.ref, outcome, verdict, {})
            if row is not None:
                run_growth.approve(tx, row, "critics")

        return conclude


def _completed(claim: Claim, text: str) -> Outcome:
    return Outcome(
        status="completed", task_id=claim.id, lease=claim.ref.lease, mode=claim.task.mode, result=text[:200],
        output=text, started_at=1.0, ended_at=2.0,
    )  # fmt: skip


def _failing(claim: Claim, error: Exception) -> Outcome:
    may_help = bool(getattr(error, "retryable", False))
    failure = Failure(code="execution_failed", message=str(error), retryable=may_help)
    return Outcome(
        status="failed", task_id=claim.id, lease=claim.ref.lease, mode=claim.task.mode, result=str(error),
        started_at=1.0, ended_at=2.0, failure=failure,
    )  # fmt: skip


def _no_output(ref: str) -> bytes:
    raise AssertionError(f"no output is stored here: {ref}")

"""Checks of a result as jobs of ``/cycle``: a command of `expect.commands`, or the model that judges.

A call names a check and nothing else. What runs is made here, of the stored task and of the stored outcome of
the lease, so no caller can have anything checked but the result itself. From there on a check goes the way
of every execution: the gate, the sandbox or the wrapper that pays, one start, one outcome.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from context import envelope
from errors import CallHeld, InvalidRequest, LeaseLost, NotFound
from execution import refused_work
from execution.contract import CycleRequest
from execution.job import Allow, Job, Settle
from outcome import Outcome
from planning.intent import Intent, extract
from review import policy, rubric
from runtime_contract import Task
from safety.gateway import SafetyGateway
from safety.work import Work
from settings import Home, Settings
from store import checks, planning
from store.checks import CheckRef
from store.outputs import read_output
from store.reading import MODEL_STATUS
from store.records import TaskRef
from store.sqlite_store import SqliteStore
from store.transaction import Transaction


class CheckMaker:
    """Makes the checks of one home's results."""

    def __init__(self, home: Home, settings: Settings, store: SqliteStore, gateway: SafetyGateway) -> None:
        self._outputs = home.outputs
        self._settings = settings
        self._store = store
        self._gateway = gateway

    def job(self, request: CycleRequest, seq: int, task: Task) -> Job:
        """The check that a request names. Raises `InvalidRequest`, `LeaseLost`."""
        name = request.check or ""
        number = policy.number_of(name)
        if number is not None and number >= len(task.expect.commands):
            raise InvalidRequest(f"check: the task has no {name}", path="check")
        outcome = self._outcome(request.ref)
        if number is not None:
            made, work = self._command(task, task.expect.commands[number])
        else:
            made, work = self._model(task, outcome)
        check = CheckRef(request.ref, seq, name)
        may_repeat = self._gateway.effect_of(made) == "idempotent"
        return Job(made, work, request, CheckRecord(self._store, check, may_repeat), name)

    def _outcome(self, ref: TaskRef) -> Outcome:
        attempt = self._store.reader.one("get_attempt", id=ref.id, lease=ref.lease)
        if attempt is None or attempt["outcome"] is None:
            raise LeaseLost("There is no result under this lease yet.", task_id=ref.id, lease=ref.lease)
        return Outcome.model_validate_json(attempt["outcome"])

    def _command(self, task: Task, argv: list[str]) -> tuple[Task, Work]:
        made = Task(id=task.id, mode="local", argv=argv)
        return made, Work.of(made)

    def _model(self, task: Task, outcome: Outcome) -> tuple[Task, Work]:
        """The call of the model that judges; its cost counts against the task's own budget."""
        text = self._text(outcome)
        most = self._settings.review_critic_chars
        if len(text) > most:
            raise InvalidRequest(
                f"the result has {len(text):,} characters, and the model that judges is shown at most "
                f"{most:,} (setting: review_critic_chars)",
                path="check",
            )
        ask = rubric.Ask.of(task, self._intent(task))
        made = Task(
            id=task.id,
            mode="llm",
            prompt=task.prompt or task.command or "",
            model=self._judging_model(outcome),
            max_tokens=self._settings.review_critic_max_tokens,
            temperature=0,
            max_budget=task.max_budget,
            run_id=task.run_id,
        )
        mark = envelope.new_mark()
        return made, Work(messages=rubric.messages(ask, outcome, text, mark), mark=mark)

    def _text(self, outcome: Outcome) -> str:
        if outcome.output_ref is None:
            return outcome.output or ""
        try:
            return read_output(self._outputs, outcome.output_ref).decode("utf-8", errors="replace")
        except (NotFound, OSError) as error:
            raise InvalidRequest(f"the result cannot be read: {error}", path="check") from error

    def _intent(self, task: Task) -> Intent:
        """What the task is for: of a part what its whole is for, else as its own words say."""
        row = self._store.reader.task(task.id)
        for name in (task.id, None if row is None else row["plan_parent"]):
            told = None if name is None else planning.intent_of(self._store.reader, name)
            if told is not None:
                return Intent.from_json(told)
        return extract(task.prompt or "")

    def _judging_model(self, outcome: Outcome) -> str | None:
        status = self._store.reader.fact(MODEL_STATUS) or {}
        return policy.judging_model(outcome.model, self._settings.review_critic_model, status.get("model"))


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """The record of a check."""

    store: SqliteStore
    check: CheckRef
    may_repeat: bool

    def start(self, swarm: str, allow: Allow | None) -> sqlite3.Row | CallHeld | None:
        """Record the start of the check."""
        (found,) = self.store.write(
            lambda tx: (checks.start(tx, self.check, swarm, allow, may_repeat=self.may_repeat),)
        )
        return found

    def keep(self, outcome: Outcome, settle: Settle | None) -> bool:
        """Keep what the check brought, and of one that was refused a word in the audit."""

        def keep(tx: Transaction) -> bool:
            if settle is not None:
                settle(tx)
            if outcome.status == "safety_blocked":
                report, ref = outcome.safety_report or {}, self.check.ref
                refused = f"{ref.id}/{self.check.name}/{report.get('task', '')}"
                refused_work.audit(tx, ref, refused, report)
            return checks.record(tx, self.check, outcome, may_repeat=self.may_repeat)

        return self.store.write(keep)

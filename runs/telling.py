"""Tells what happens in a run, in order, to whoever listens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from run_contract.records import Run, RunTask
from runs.admission import Prepared
from runs.caching import REUSED_FROM
from runs.parts import Parts
from runs.run_events import RunEvent


class Teller:
    """Makes the events of one run. Without a listener nothing is made."""

    def __init__(self, run: Run, parts: Parts) -> None:
        self._run = run
        self._listener = parts.listener
        self._clock = parts.clock
        self._seq = 0
        self._began = 0.0

    def __call__(self, event: str, task_id: str | None = None, **fields: Any) -> None:
        """Tell of one event."""
        if self._listener is None:
            return
        self._seq += 1
        told = RunEvent(self._seq, self._clock.now(), self._run.id, event, task_id, fields)
        self._listener(told)

    def started(self) -> None:
        """The run began."""
        self._began = self._clock.monotonic()
        if self._listener is not None:
            policy = self._run.policy.model_dump(mode="json", exclude_defaults=True)
            self("run.started", tasks=len(self._run.tasks), policy=policy)

    def attempt_started(self, task: RunTask, found: Prepared) -> None:
        """An attempt began."""
        if self._listener is None:
            return
        estimate = found.estimate
        self("task.started", task.id, attempt=task.attempts, model=task.asked,
             estimated_tokens=estimate.tokens, estimated_micros=estimate.micros)  # fmt: skip

    def run_began(self, task: RunTask, child: Run) -> None:
        """The run began that does a task."""
        self("task.started", task.id, attempt=task.attempts, run=child.id)

    def task_completed(self, task: RunTask) -> None:
        """A task completed."""
        if self._listener is None:
            return
        seconds = 0.0
        if task.started_at is not None and task.ended_at is not None:
            seconds = task.ended_at - task.started_at
        source = None if task.outputs is None else task.outputs.metadata.get(REUSED_FROM)
        again = {} if source is None else {REUSED_FROM: source}
        self("task.completed", task.id, attempt=task.attempts, tokens=task.actual.tokens,
             cost_micros=task.actual.micros, seconds=round(seconds, 6), **again)  # fmt: skip

    def skipped(self, names: Iterable[str]) -> None:
        """Tasks will never start."""
        if self._listener is None:
            return
        for name in names:
            error = self._run.tasks[name].error
            told = {} if error is None else {"code": error.code, "reason": error.message}
            self("task.skipped", name, **told)

    def ended(self) -> None:
        """The run ended."""
        run = self._run
        error = run.error
        told: dict[str, Any] = {} if error is None else {"code": error.code, "reason": error.message}
        told |= {"tokens": run.usage.tokens, "cost_micros": run.usage.micros}
        self(f"run.{run.state}", **told, seconds=round(self._clock.monotonic() - self._began, 6))

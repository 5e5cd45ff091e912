"""Summaries for tasks of runs as jobs of ``/cycle``, asked for under the lease before the attempt itself.

The gate, the reservation, the audit and the kept output are those of every model call; only the record is
another: a summary that is there is answered again, and costs nothing.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from errors import CallHeld, InvalidRequest
from execution import refused_work
from execution.contract import CycleRequest
from execution.job import Allow, Job, Settle
from outcome import Outcome
from runtime_contract import Task
from safety.work import Work
from store import run_ends, run_summaries
from store.run_summaries import SummaryRef
from store.sqlite_store import SqliteStore
from store.transaction import Transaction


def job_of(store: SqliteStore, request: CycleRequest, seq: int, task: Task) -> Job:
    """The summary that a request asks for. Raises `InvalidRequest` where the task can have none."""
    prompt = request.text_for_model
    if prompt is None or task.mode != "llm" or not run_ends.run_of(task.id):
        told = "a summary is asked of a model, for a task of a run, with a prompt"
        raise InvalidRequest(f"summary: {told}", path="summary")
    digest = run_summaries.digest_of(prompt, request.mark, request.model or task.model)
    record = SummaryRecord(store, SummaryRef(request.ref, seq, digest))
    return Job(task, Work.of(task, prompt, request.mark), request, record, "summary")


@dataclass(frozen=True, slots=True)
class SummaryRecord:
    """The record of a summary."""

    store: SqliteStore
    wanted: SummaryRef

    def start(self, swarm: str, allow: Allow | None) -> sqlite3.Row | CallHeld | None:
        """Record the start of the summary."""
        (found,) = self.store.write(lambda tx: (run_summaries.start(tx, self.wanted, swarm, allow),))
        return found

    def keep(self, outcome: Outcome, settle: Settle | None) -> bool:
        """Keep what it brought, and of one that was refused a word in the audit."""

        def keep(tx: Transaction) -> bool:
            if settle is not None:
                settle(tx)
            if outcome.status == "safety_blocked":
                ref = self.wanted.ref
                refused = f"{ref.id}/summary/{self.wanted.digest}"
                refused_work.audit(tx, ref, refused, outcome.safety_report or {})
            return run_summaries.record(tx, self.wanted, outcome)

        return self.store.write(keep)

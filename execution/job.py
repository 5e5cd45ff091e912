"""What one call of ``/cycle`` is to execute, and where its start and its outcome are recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from errors import CallHeld
from execution.contract import CycleRequest
from outcome import Outcome
from runtime_contract import Task
from safety.work import Work
from store.records import TaskRef
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

#: Goes into the transaction of a start, and may hold it back.
Allow = Callable[[Transaction], CallHeld | None]
#: Goes into the transaction that keeps an outcome.
Settle = Callable[[Transaction], None]


class Record(Protocol):
    """Where it stands that something was begun, and what came of it."""

    def start(self, swarm: str, allow: Allow | None) -> sqlite3.Row | CallHeld | None:
        """Record the start; none when that is done, else what holds it, or how it stands already."""

    def keep(self, outcome: Outcome, settle: Settle | None) -> bool:
        """Keep what came of it."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to execute under a lease: the attempt itself, or a check of its result."""

    #: as it runs: the stored task, or for a check one made of it
    task: Task
    #: the words that would run, before anybody allowed them
    work: Work
    request: CycleRequest
    record: Record
    #: of a check: its name; tells it from the attempt
    check: str = ""


class LeaseRecord:
    """The record of an attempt, executed for the span that `traceparent` names."""

    def __init__(self, store: SqliteStore, ref: TaskRef, traceparent: str | None = None) -> None:
        self._store = store
        self._traceparent = traceparent
        self._ref = ref

    def start(self, swarm: str, allow: Allow | None) -> sqlite3.Row | CallHeld | None:
        """Record the start of the attempt."""
        found: sqlite3.Row | CallHeld | None = self._store.start_cycle(
            self._ref, swarm, allow, self._traceparent
        )
        return found

    def keep(self, outcome: Outcome, settle: Settle | None) -> bool:
        """Keep what the attempt brought."""
        return self._store.record_outcome(outcome, settle)

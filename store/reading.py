"""Everything that is read from the store, over connections that cannot write.

Pages are short and by key, so that a reader never keeps the write-ahead log from being copied back.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from clock import Clock, SystemClock
from errors import StoreCorrupt
from settings import KILL_SWITCH
from store import database, kill_file, lanes, processes, rates, sql, waiting
from store.budget_words import HeldWords
from store.lanes import ConcurrencyLimits, Gate
from store.records import STATUS_OF_STATE
from store.state_counts import StateCounts
from store.transaction import dump

PAGE: Final = 500
#: Facts that every face tells, kept in `meta` as JSON.
PAUSED: Final = "paused"
MODEL_STATUS: Final = "model_status"
LOCAL_STATUS: Final = "local_status"
DISK_FULL: Final = "disk_full"
BREAKER: Final = "circuit_breaker"
AUDIT_BLOCKED: Final = "audit_blocked"
LOG_BLOCKED: Final = "log_blocked"
QUEUE_FILE_BLOCKED: Final = "queue_file_blocked"


class Reader:
    """Reads one home's store; each thread has a connection of its own.

    `own_writes` rises with everything that this process commits.
    """

    def __init__(
        self,
        path: Path,
        limits: ConcurrencyLimits,
        clock: Clock | None = None,
        own_writes: Callable[[], int] = lambda: 0,
    ) -> None:
        #: the database
        self.path = path
        self._kill_switch = path.with_name(KILL_SWITCH)
        self._limits = limits
        self._clock = clock or SystemClock()
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._queries = sql.queries()
        self._counts = StateCounts(self._open, self._queries["count_by_state"], own_writes)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._open()
        return found

    def _open(self) -> sqlite3.Connection:
        opened = database.open_reader(self.path)
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        """Let every connection go."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    def all(self, name: str, **values: Any) -> list[sqlite3.Row]:
        """Every row of a query of ``queries/``."""
        with database.translated(self.path):
            return self.connection.execute(self._queries[name], values).fetchall()

    def one(self, name: str, **values: Any) -> sqlite3.Row | None:
        """The first row of a query, or none."""
        rows = self.all(name, **values)
        return rows[0] if rows else None

    def now(self) -> float:
        """Wall time by the store's clock, Unix seconds."""
        return self._clock.now()

    def data_version(self) -> int:
        """A number that changes when anybody has committed (sqlite.org/pragma.html#pragma_data_version)."""
        with database.translated(self.path):
            return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def fact(self, key: str) -> dict[str, Any] | None:
        """A fact about the home that is kept as JSON."""
        row = self.one("get_meta", key=key)
        if row is None:
            return None
        found: dict[str, Any] = json.loads(row["value"])
        return found

    def gate(self) -> Gate:
        """What holds whole kinds of tasks back right now."""
        return self.gate_of(self.all("gate_facts"))

    def gate_of(self, rows: Iterable[sqlite3.Row]) -> Gate:
        """The same by rows of ``gate_facts`` that were read elsewhere, as in the transaction that claims."""
        facts = {row["key"]: json.loads(row["value"]) for row in rows}
        closed = {}
        for mode, key in (("llm", MODEL_STATUS), ("local", LOCAL_STATUS)):
            if key in facts and not facts[key]["ready"]:
                closed[mode] = str(facts[key]["reason"])
        why, cause = self._halt(facts)
        limits = rates.RateLimits.of_fact(facts.get(rates.RATE_LIMITS))
        rooms = rates.rooms(self.all("buckets"), limits, self._clock) if limits.models else {}
        model = facts.get(MODEL_STATUS) or {}
        return Gate(why, closed, cause, rooms, str(model.get("model") or ""))

    def _halt(self, facts: dict[str, Any]) -> tuple[str | None, str | None]:
        """Why nothing at all is claimed, and the cause; the gravest where there are several."""
        killed = kill_file.look(self._kill_switch)
        if killed is not None:
            return killed.sentence, "kill_switch"
        if DISK_FULL in facts:
            return str(facts[DISK_FULL]["reason"]), "disk_full"
        if AUDIT_BLOCKED in facts:
            return str(facts[AUDIT_BLOCKED]["reason"]), "audit"
        if BREAKER in facts:
            return f"the circuit breaker tripped: {facts[BREAKER]['reason']} (skep resume)", "circuit_breaker"
        swarm = processes.hold(facts.get(processes.PROCESSES))
        if swarm[0] is not None:
            return swarm
        if PAUSED in facts:
            by, reason = facts[PAUSED]["by"], facts[PAUSED]["reason"]
            return f"paused by {by}" + (f": {reason}" if reason else ""), "pause"
        return None, None

    def situation(self) -> waiting.Situation:
        """What holds tasks back: the gate, the limits, and what runs."""
        running = lanes.spread(self.all("running_lanes"))
        heads = [lanes.Head(*row) for row in self.all("ready_heads")]
        money = HeldWords(self, self.now()).of
        return waiting.Situation(self.gate(), self._limits, running, heads, money=money)

    def waiting_for(self, row: sqlite3.Row, now: waiting.Situation | None = None) -> str | None:
        """What holds a task; none when it runs or has ended."""
        parents = self.all("parents_of", child=row["seq"]) if row["state"] == "blocked" else []
        question = self.one("open_decision_of", id=row["id"]) if row["state"] == "review" else None
        return waiting.waiting_for(row, parents, question, now or self.situation())

    def task(self, task_id: str) -> sqlite3.Row | None:
        """A task's row."""
        return self.one("get_task", id=task_id)

    def tasks(
        self, statuses: Sequence[str] = (), limit: int | None = None, after: int = 0
    ) -> Iterator[sqlite3.Row]:
        """Tasks in order of arrival, those of some statuses, read in short pages."""
        states = states_of_statuses(statuses)
        left = limit
        while left is None or left > 0:
            page = self.all(
                "list_tasks", after=after, states=states, limit=PAGE if left is None else min(PAGE, left)
            )
            yield from page
            if not page:
                return
            after = page[-1]["seq"]
            left = None if left is None else left - len(page)

    def newest_tasks(
        self, statuses: Sequence[str], limit: int, before: int | None = None
    ) -> list[sqlite3.Row]:
        """The newest tasks of some statuses, newest first."""
        return self.all(
            "list_newest", before=before or 2**62, states=states_of_statuses(statuses), limit=limit
        )

    def counts(self) -> dict[str, int]:
        """How many tasks have each status; statuses nobody has are 0."""
        counts = dict.fromkeys((status.value for status in STATUS_OF_STATE.values()), 0)
        for state, count in self.state_counts().items():
            counts[STATUS_OF_STATE[state].value] += count
        return counts

    def state_counts(self) -> dict[str, int]:
        """How many tasks are in each state of the store; counted anew where anybody has written since."""
        with database.translated(self.path):
            return self._counts.get()

    def keep_counts(self, seconds: float) -> None:
        """Let counts of that age do, though other processes have written since; see `store.state_counts`."""
        self._counts.keep(seconds)

    def events(self, after: int = 0, task_id: str | None = None) -> Iterator[sqlite3.Row]:
        """History after a place, of one task or of all, read in short pages."""
        while True:
            if task_id is None:
                page = self.all("events_after", after=after, limit=PAGE)
            else:
                page = self.all("events_of", task_id=task_id, after=after, limit=PAGE)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1]["seq"]

    def attempts(self, seq: int) -> list[sqlite3.Row]:
        """Every attempt of a task."""
        return self.all("attempts_of", task=seq)

    def open_decisions(self) -> int:
        """How many questions wait for a person."""
        return int(self.all("count_open_decisions")[0]["count"])

    def refused_entries(self) -> int:
        """How many entries broke the contract and were not corrected."""
        return int(self.all("count_refused")[0]["count"])

    def decisions(self) -> list[sqlite3.Row]:
        """Everything that waits for a person, oldest first."""
        return self.all("open_decisions")


def states_of_statuses(statuses: Sequence[str]) -> str | None:
    """The states that read as one of these statuses, as a JSON list; none for all."""
    if not statuses:
        return None
    return dump([state for state, status in STATUS_OF_STATE.items() if status.value in statuses])


def event_of(row: sqlite3.Row) -> dict[str, Any]:
    """An event as every face shows it: columns and fields in one object, `task_id` and `status` always.

    Raises `StoreCorrupt` for one whose fields are no JSON any more.
    """
    columns = ("seq", "ts", "event", "task_id", "status", "worker_id", "attempt")
    try:
        fields: dict[str, Any] = json.loads(row["data"])
    except ValueError as error:
        raise StoreCorrupt(
            f"event {row['seq']} of the database is damaged: its fields are no JSON. Run `skep doctor` "
            "for the way out."
        ) from error
    return {name: row[name] for name in columns} | fields

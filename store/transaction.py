"""One transaction: named queries, the time it happens at, and the events it leaves.

A change and its event are written together or not at all; a task that changed is marked dirty so that the
queue file shows it. Functions of this room that change the truth take a `Transaction` first, so that several
of them can be one step.

Events and marks are gathered while a function runs and written when it ends, many in one statement: Python
lets go of its lock at each statement and has to win it back, which costs more than the row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any, Final

from pydantic_core import to_json

import host_platform
from audit_events import bounded, check_record
from clock import to_rfc3339
from events import OWN_FIELDS, check_event
from redaction import clean, clean_value
from store import sql

#: A row of the history as it is written: time, kind, task, status, worker, attempt, further fields as JSON.
EventRow = tuple[str, str, str | None, str | None, str | None, int | None, str]

#: Rows of one statement at most.
_TOGETHER: Final = 32


class Transaction:
    """What may be done while the writing lock is held."""

    def __init__(self, connection: sqlite3.Connection, now: float, monotonic: float) -> None:
        self.connection = connection
        #: wall time of the transaction, Unix seconds
        self.now = now
        #: monotonic seconds of the transaction
        self.monotonic = monotonic
        self._queries = sql.queries()
        self._looking = sql.looking()
        self._events: list[EventRow] = []
        self._dirty: dict[int, None] = {}
        #: whether the newest record of the audit is of this moment
        self._has_audited = False

    @cached_property
    def moment(self) -> str:
        """`now` for events, RFC 3339."""
        return to_rfc3339(self.now)

    def run(self, name: str, **values: Any) -> sqlite3.Cursor:
        """Run a query of ``queries/``."""
        if name in self._looking:
            self.write_out()
        return self.connection.execute(self._queries[name], values)

    def run_many(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run a query once for each row of values."""
        self.connection.executemany(self._queries[name], rows)

    def insert(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run a query that ends in the values of one row for many rows, a statement for many of them."""
        for first in range(0, len(rows), _TOGETHER):
            some = rows[first : first + _TOGETHER]
            self.connection.execute(sql.for_rows(name, len(some)), [*chain.from_iterable(some)])

    def one(self, name: str, **values: Any) -> sqlite3.Row | None:
        """The first row of a query, or none."""
        rows = self.all(name, **values)  # read to its end: a half-read RETURNING holds the transaction open
        return rows[0] if rows else None

    def all(self, name: str, **values: Any) -> list[sqlite3.Row]:
        """Every row of a query."""
        return self.run(name, **values).fetchall()

    def emit(
        self,
        event: str,
        *,
        task_id: str | None = None,
        status: str | None = None,
        worker_id: str | None = None,
        attempt: int | None = None,
        **fields: Any,
    ) -> None:
        """Write an event, without secrets. Fields that are None are left out."""
        told = {
            name: value if name in OWN_FIELDS else clean_value(value)
            for name, value in fields.items()
            if value is not None
        }
        check_event(event, status, told)
        self._events.append(
            (self.moment, event, _named(task_id), status, worker_id, attempt, dump(told) if told else "{}")
        )

    def emit_many(self, event: str, status: str, rows: Iterable[tuple[str, str]]) -> None:
        """Write an event of one kind for many tasks, each a task's id and its further fields as JSON."""
        check_event(event, status, {})
        moment = self.moment
        self._events.extend((moment, event, task_id, status, None, None, data) for task_id, data in rows)

    def audit(
        self,
        event: str,
        decision: str,
        *,
        actor: str,
        task_id: str | None = None,
        lease: int | None = None,
        rule: str | None = None,
        digest: str | None = None,
        cost_micros: int | None = None,
        **fields: Any,
    ) -> None:
        """Write a decision into the audit, without secrets. Fields that are None are left out.

        A long text is cut: what was decided on is named by its digest, never written down.
        """
        told = {name: bounded(clean_value(value)) for name, value in fields.items() if value is not None}
        told |= self._clock_set_back()
        check_record(event, decision, told)
        self.run(
            "insert_audit",
            ts=self.moment,
            boot=host_platform.boot_id(),
            event=event,
            decision=decision,
            actor=actor,
            task_id=bounded(_named(task_id)),
            lease=lease,
            rule=bounded(rule),
            digest=digest,
            cost_micros=cost_micros,
            data=dump(told) if told else "{}",
        )
        self._has_audited = True

    def _clock_set_back(self) -> dict[str, float]:
        """What a record says that is older than the one before it: else it would look like a forged one."""
        if self._has_audited:
            return {}
        before = self.one("last_audit", limit=1)
        if before is None or before["ts"] <= self.moment:
            return {}
        return {"clock_back_s": round(datetime.fromisoformat(before["ts"]).timestamp() - self.now, 6)}

    def mark_dirty(self, task: int) -> None:
        """The queue file's entry of a task must be rendered anew."""
        self._dirty[task] = None

    def write_out(self) -> None:
        """Write the events and marks gathered so far; done by itself when the function has ended."""
        if self._events:
            rows, self._events = self._events, []
            self.insert("insert_event", rows)
        if self._dirty:
            marks, self._dirty = self._dirty, {}
            self.insert("mark_dirty", [(task,) for task in marks])

    def forget(self) -> None:
        """Drop what was gathered: the function failed."""
        self._events.clear()
        self._dirty.clear()
        self._has_audited = False

    def meta(self, key: str) -> str | None:
        """A fact about the home."""
        row = self.one("get_meta", key=key)
        return None if row is None else str(row["value"])

    def set_meta(self, key: str, value: str) -> None:
        """Keep a fact about the home."""
        self.run("set_meta", key=key, value=value)


def _named(task_id: str | None) -> str | None:
    """A task's name without secrets: no task is called by one, but a request for a task may be."""
    return None if task_id is None else clean(task_id)


def dump(value: Any) -> str:
    """JSON as the store keeps it: compact, never NaN, in the user's own letters where UTF-8 has them.

    Pydantic's writer takes a quarter of the time of Python's. What it writes otherwise, or takes though it is
    no JSON, is left to Python's: half a surrogate pair, NaN and the infinities, for which that raises
    `ValueError`.
    """
    try:
        text = to_json(value).decode()
    except ValueError:
        return _dump_slowly(value)
    return _dump_slowly(value) if "NaN" in text or "Infinity" in text else text


def _dump_slowly(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text

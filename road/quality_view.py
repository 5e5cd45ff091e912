"""``quality_gate_queue.json``: which results wait for which gate. A view: written by the leader, never read.

Written anew when something changed, no more often than every few seconds, and put in place whole. It shows
the newest results only, so what it costs does not grow with the home.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import sqlite3
from typing import Any, Final

from clock import to_rfc3339
from redaction import clean_start, clean_value
from review import quality_gates
from settings import Home
from store.records import STATUS_OF_STATE
from store.sqlite_store import SqliteStore
from store.transaction import dump

VERSION: Final = "1.0"
TITLE_CHARS: Final = 240
#: Seconds between two writings.
EVERY_S: Final = 5.0
_UNDER_WAY: Final = frozenset({"running", "review"})


class QualityView:
    """Keeps the file of one home.

    Parameters:
        most: newest results of each end that it shows; 0: it is not written.
    """

    def __init__(self, home: Home, store: SqliteStore, most: int) -> None:
        self._home = home
        self._store = store
        self._most = most
        self._version = -1
        self._written: dict[str, Any] | None = None

    def look(self) -> None:
        """Write it where it is not what the store says. Raises `OSError`."""
        version = self._store.reader.data_version() if self._most else self._version
        if version == self._version:
            return
        changes = self.changes()
        self._version = version
        if changes != self._written and (changes or self._written is not None):
            self._write(changes)
            self._written = changes

    def changes(self) -> dict[str, Any]:
        """The newest results by their task's id."""
        reader, most = self._store.reader, self._most
        rows = reader.all("newest_in_review", limit=most)
        rows += reader.all("newest_of_state", state="approved", limit=most)
        rows += [
            row
            for row in reader.all("newest_of_state", state="failed", limit=most)
            if row["code"] == "rejected"
        ]
        found = [(row, json.loads(row["doc"])) for row in rows]
        found = [(row, doc) for row, doc in found if quality_gates.gate_named(doc.get("tags")) is None]
        gates: dict[str, list[sqlite3.Row]] = collections.defaultdict(list)
        for row in reader.all("gate_tasks", ids=dump([row["id"] for row, _ in found])):
            gates[row["change"]].append(row)
        told = {row["id"]: _change(row, doc, gates[row["id"]]) for row, doc in found}
        shown: dict[str, Any] = clean_value(told)
        return shown

    def _write(self, changes: dict[str, Any]) -> None:
        now = to_rfc3339(self._store.clock.now())
        text = json.dumps(
            {"version": VERSION, "updated_at": now, "changes": changes}, ensure_ascii=False, indent=1
        )
        fresh = self._home.state / "quality_gate_queue.json.new"
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{text}\n")
        fresh.replace(self._home.quality_file)


def _change(row: sqlite3.Row, doc: dict[str, Any], waiting: list[sqlite3.Row]) -> dict[str, Any]:
    by_gate: dict[str, list[sqlite3.Row]] = collections.defaultdict(list)
    for task in waiting:
        name = quality_gates.gate_named(json.loads(task["doc"]).get("tags"))
        if name is not None:
            by_gate[name].append(task)
    gates = quality_gates.gates_of(
        {name: [task["state"] for task in tasks] for name, tasks in by_gate.items()}
    )
    vote = quality_gates.vote_of(row["state"])
    tester = next((task for task in by_gate["unit"] if task["state"] in _UNDER_WAY), None)
    tested = by_gate["unit"][-1]["id"] if by_gate["unit"] else None
    return {
        "change_id": row["id"],
        "title": clean_start(
            str(doc.get("title") or doc.get("prompt") or doc.get("command") or ""), TITLE_CHARS
        ),
        "author_id": doc.get("identity_id") or row["worker_id"],
        "created_at": to_rfc3339(row["created"]),
        "status": quality_gates.status_of(vote, gates, is_tested=tester is not None),
        "gates": gates,
        "qa": {"assigned_to": tester["worker_id"] if tester else None, "test_submission_id": tested},
        "integration": {"status": gates["integration"], "tasks": _told(by_gate["integration"])},
        "e2e": {"status": gates["e2e"], "tasks": _told(by_gate["e2e"])},
        "blind_vote": {"status": vote},
    }


def _told(tasks: list[sqlite3.Row]) -> dict[str, str]:
    return {task["id"]: STATUS_OF_STATE[task["state"]].value for task in tasks}

"""How a task's end, or what keeps it from one, is told by an exit code."""

from __future__ import annotations

import sqlite3

from commands.exits import FAILED, FINE, WAITS
from runtime_contract import ENDED, Status
from store import lanes
from store.budgets import Account
from store.rates import RATE_PREFIX
from store.reading import Reader
from store.records import STATUS_OF_STATE


def code_of_end(row: sqlite3.Row) -> int:
    """0 approved, 1 any other end, 75 none yet."""
    status = STATUS_OF_STATE[row["state"]]
    if status is Status.APPROVED:
        return FINE
    return FAILED if status in ENDED else WAITS


def needs_person(reader: Reader, row: sqlite3.Row, gate: lanes.Gate | None = None) -> bool:
    """Whether a task that has not ended goes on only when a person does something.

    A question, a pause, no model, or a dependency that does not exist or itself waits for a person.
    """
    gate = gate or reader.gate()
    known: dict[str, bool] = {}
    path = [row]
    while path:
        task = path[-1]
        if task["state"] != "blocked":
            known[path.pop()["id"]] = _waits_itself(reader, task, gate)
            continue
        parents = [
            each for each in reader.all("parents_of", child=task["seq"]) if each["state"] != "approved"
        ]
        unknown = [each for each in parents if each["state"] is not None and each["id"] not in known]
        nearest = reader.task(unknown[0]["id"]) if unknown else None
        known.setdefault(task["id"], False)  # a circle ends here; the store fails its members
        if nearest is not None:
            path.append(nearest)
        else:
            known[path.pop()["id"]] = any(each["state"] is None or known[each["id"]] for each in parents)
    return known[row["id"]]


def _may_be_freed(reader: Reader, limit: str) -> bool:
    """Whether a call under way may turn out cheaper than what it reserved."""
    row = reader.one("balance", **Account.of_limit(limit, reader.now()).key())
    return row is not None and row["reserved"] > 0


def _waits_itself(reader: Reader, row: sqlite3.Row, gate: lanes.Gate) -> bool:
    if row["state"] == "review":
        return reader.one("open_decision_of", id=row["id"]) is not None
    if row["held_by"] is not None and not row["held_by"].startswith(RATE_PREFIX):
        return not _may_be_freed(reader, row["held_by"])
    if row["state"] == "ready":
        is_halted = gate.paused is not None and not gate.is_starting
        return is_halted or lanes.held_by_mode(row["lane"], gate) is not None
    return False

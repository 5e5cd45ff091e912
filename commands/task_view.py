"""A task as the command line tells it: the same words in ``list``, ``show`` and their JSON."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from clock import to_rfc3339
from redaction import clean_start, clean_value
from store import cycles, lost_runs, planning, waiting
from store.answering import why_outdated
from store.plan_tree import words_of
from store.reading import Reader
from store.records import STATUS_OF_STATE

#: Columns of an attempt's outcome that `show` tells.
_OUTCOME: Final = (
    "status", "result", "model", "exit_code", "timed_out", "usage", "cost_micros", "budget_used",
    "output_ref", "output_bytes", "output_cut", "failure",
)  # fmt: skip


def moment(seconds: float | None) -> str | None:
    """A time as JSON tells it."""
    return None if seconds is None else to_rfc3339(seconds)


def loads(text: str | None) -> Any:
    """The JSON a column holds, none where it is empty."""
    return None if text is None else json.loads(text)


def status_of(row: sqlite3.Row) -> str:
    """The status every face shows."""
    return STATUS_OF_STATE[row["state"]].value


def brief(
    reader: Reader, row: sqlite3.Row, now: waiting.Situation, longest: int | None = None
) -> dict[str, Any]:
    """A task in a list, without secrets; of what it does, the first `longest` characters or all."""
    doc = json.loads(row["doc"])
    words = words_of(doc)
    result = loads(row["result"]) or {}
    told = {
        "id": row["id"],
        "status": status_of(row),
        "waiting_for": reader.waiting_for(row, now),
        "mode": row["lane"].partition("|")[0],
        "what": words if longest is None else clean_start(words, longest),
        "priority": row["priority"],
        "depends_on": doc.get("depends_on") or [],
        "tags": doc.get("tags") or [],
        "attempts": row["attempts"],
        "code": row["code"],
        "reason": row["reason"],
        "result_summary": result.get("result"),
        "created_at": moment(row["created"]),
        "started_at": moment(row["started"]),
        "finished_at": moment(row["finished"]),
    }
    shown: dict[str, Any] = clean_value(told)
    return shown


def full(reader: Reader, row: sqlite3.Row, now: waiting.Situation) -> dict[str, Any]:
    """Everything about a task, without secrets."""
    parents = reader.all("parents_of", child=row["seq"])
    told = {
        **brief(reader, row, now),
        "depends_on": [
            {"id": each["id"], "status": STATUS_OF_STATE[each["state"]].value if each["state"] else None}
            for each in parents
        ],
        "dependants": [each["id"] for each in reader.all("children_of", parent=row["id"])],
        "parent": row["plan_parent"],
        "way_out": lost_runs.way_out_of(reader, row) or cycles.way_out_of(reader, row),
        "intent": planning.intent_of(reader, row["id"]) if row["planned"] else None,
        "subtasks": [
            {"id": each["id"], "status": status_of(each)}
            for each in (reader.all("subtasks_of", parent=row["id"]) if row["planned"] else ())
        ],
        "not_before": moment(row["not_before"]),
        "held_by": row["held_by"] if row["state"] == "delayed" else None,
        "source": row["source"],
        "version": row["version"],
        "interruptions": row["interruptions"],
        "rejections": row["rejections"],
        "feedback": loads(row["feedback"]) or [],
        "attempt_history": _attempts(reader, row),
        "checkpoint": checkpoint(reader.one("newest_checkpoint_of", task=row["seq"])),
        "earned": [dict(each) for each in reader.all("grants_of", task_id=row["id"])],
        "decision": decision(reader.one("open_decision_of", id=row["id"]), row),
        "events": sum(1 for _ in reader.events(task_id=row["id"])),
        "task": json.loads(row["doc"]),
    }
    shown: dict[str, Any] = clean_value(told)
    return shown


def _attempts(reader: Reader, row: sqlite3.Row) -> list[dict[str, Any]]:
    """Every attempt, with what its result was checked by."""
    checks = reader.all("checks_of", task=row["seq"])
    return [
        attempt(each) | {"checks": [_check(one) for one in checks if one["lease"] == each["lease"]]}
        for each in reader.attempts(row["seq"])
    ]


def _check(row: sqlite3.Row) -> dict[str, Any]:
    outcome = loads(row["outcome"]) or {}
    names = ("status", "result", "model", "exit_code", "cost_micros", "output_ref")
    return {"check": row["name"]} | {name: outcome.get(name) for name in names}


def attempt(row: sqlite3.Row) -> dict[str, Any]:
    """One attempt: when, what it brought, what became of it."""
    outcome = loads(row["outcome"]) or {}
    told = {
        "attempt": row["attempt"],
        "lease": row["lease"],
        "worker_id": row["worker_id"],
        "identity_id": row["identity"],
        "claimed_at": moment(row["claimed"]),
        "started_at": moment(outcome.get("started_at") or row["started"]),
        "ended_at": moment(outcome.get("ended_at") or row["ended"]),
        "became": row["became"],
        "findings": loads(row["findings"]) or [],
    }
    return told | {name: outcome.get(name) for name in _OUTCOME}


def checkpoint(row: sqlite3.Row | None) -> dict[str, Any] | None:
    """What is kept of the workspace after a task, or why it is not."""
    if row is None:
        return None
    return {name: row[name] for name in ("number", "state", "commit_id", "paths", "reason")}


def decision(row: sqlite3.Row | None, task: sqlite3.Row | None) -> dict[str, Any] | None:
    """An open question to a person, and the task it is about, without secrets."""
    if row is None:
        return None
    told = {
        "id": row["id"],
        "kind": row["kind"],
        "task_id": row["task_id"],
        "question": row["question"],
        "options": json.loads(row["options"]),
        "digest": row["digest"],
        "payload": json.loads(row["payload"]),
        "asked_at": moment(row["asked"]),
        "deadline_at": moment(row["deadline"]),
        "is_overdue": row["rank"] == 0,
        "outdated": None if task is None else why_outdated(task, row),
    }
    shown: dict[str, Any] = clean_value(told)
    return shown

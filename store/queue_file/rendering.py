"""A task's entry in the queue file: the user's keys in their order, what Skep says in place or after."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any

from clock import to_rfc3339
from redaction import clean
from runtime_contract import ENDED, MACHINE_KEYS
from store.records import STATUS_OF_STATE
from store.transaction import dump


def render(row: sqlite3.Row, waiting_for: str | None) -> str:
    """The text of a task's entry, one line of JSON."""
    doc = json.loads(row["doc"])
    told = machine_values(row, doc)
    if waiting_for is not None:
        told["waiting_for"] = waiting_for
    entry = {key: told.pop(key) if key in told else value for key, value in doc.items() if _stays(key, told)}
    return dump(entry | told)


def _stays(key: str, told: dict[str, Any]) -> bool:
    return key not in MACHINE_KEYS or key in told


def machine_values(row: sqlite3.Row, doc: dict[str, Any]) -> dict[str, Any]:
    """What Skep says of a task in its entry, but for what holds it."""
    status = STATUS_OF_STATE[row["state"]]
    told: dict[str, Any] = {"status": status.value}
    if row["attempts"]:
        told["attempts"] = row["attempts"]
    if row["reason"] is not None:
        told["reason"] = clean(row["reason"])
    summary = json.loads(row["result"]).get("result") if row["result"] else None
    if summary:
        told["result_summary"] = summary
    if row["plan_parent"] is not None:
        told["phase4_parent_task"] = row["plan_parent"]
    if status in ENDED:
        told["finished_at"] = to_rfc3339(row["finished"])
        if row["lease"] == 0 and row["code"] is None:
            # It ended before it came here: what its file said of the end is all that is known.
            told |= {
                key: doc[key] for key in ("reason", "result_summary", "finished_at", "attempts") if key in doc
            }
    return told


def hash_entry(text: str) -> bytes:
    """What stands for an entry's text; entries alike but for white space have the same."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]

"""The attempts of a task as its page shows them: when, by whom, what they used and cost, what was found."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from clock import to_rfc3339
from panel.context import Panel
from redaction import clean_value

#: Attempts that are shown, the newest.
MOST: Final = 50
#: Of an outcome, what is told.
_OUTCOME: Final = (
    "status", "result", "model", "exit_code", "timed_out", "usage", "cost_micros", "reserved_micros",
    "unsettled", "output_ref", "output_bytes", "output_cut", "failure",
)  # fmt: skip


def attempts_of(here: Panel, row: sqlite3.Row, reviews: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest attempts, newest first; `reviews` are events that tell what critics said."""
    checks = here.reader.all("checks_of", task=row["seq"])
    rows = here.reader.all("newest_attempts", task=row["seq"], limit=MOST)
    told = [_told(each, checks, reviews) for each in rows]
    ended = sorted({each["attempt"] for each in told if each["status"] is not None})
    later: set[int] = set()
    for each in told:
        # one that did not count shares its number with the next, or has none of those that the task counts
        each["counts"] = each["attempt"] <= row["attempts"] and each["attempt"] not in later
        later.add(each["attempt"])
        earlier = [number for number in ended if number < each["attempt"]]
        each["compared_with"] = earlier[-1] if earlier and each["status"] is not None else None
    return told


def _told(
    row: sqlite3.Row, checks: Sequence[sqlite3.Row], reviews: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    outcome = json.loads(row["outcome"]) if row["outcome"] else {}
    claimed, ended = to_rfc3339(row["claimed"]), _moment(row["ended"])
    told = {
        "attempt": row["attempt"],
        "lease": row["lease"],
        "worker_id": row["worker_id"],
        "identity_id": row["identity"],
        "tool": row["tool"],
        "saved_tokens": row["saved_tokens"],
        "claimed": claimed,
        "started": _moment(outcome.get("started_at") or row["started"]),
        "ended": _moment(outcome.get("ended_at")) or ended,
        "seconds": _seconds(outcome, row),
        "became": row["became"],
        "findings": json.loads(row["findings"]) if row["findings"] else [],
        "reviews": [each for each in reviews if _is_of(each, row["attempt"], claimed)],
        "checks": [_check(each) for each in checks if each["lease"] == row["lease"]],
    }
    shown: dict[str, Any] = clean_value(told | {name: outcome.get(name) for name in _OUTCOME})
    return shown


def _is_of(review: dict[str, Any], attempt: int, claimed: str) -> bool:
    """Whether a review judged this attempt; one that did not count shares its number with the next."""
    return bool(review["attempt"] == attempt and review["ts"] >= claimed)


def _seconds(outcome: dict[str, Any], row: sqlite3.Row) -> float | None:
    start, end = outcome.get("started_at") or row["started"], outcome.get("ended_at") or row["ended"]
    return None if start is None or end is None else round(max(0.0, end - start), 2)


def _check(row: sqlite3.Row) -> dict[str, Any]:
    outcome = json.loads(row["outcome"]) if row["outcome"] else {}
    names = ("status", "result", "model", "exit_code", "cost_micros")
    return {"check": row["name"]} | {name: outcome.get(name) for name in names}


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else to_rfc3339(seconds)

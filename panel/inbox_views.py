"""Decisions as the inbox and the API show them: the exact bytes, the answers there are, and what was said."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from clock import to_rfc3339
from panel.context import Panel
from panel.task_views import decision_of
from panel.words import one_line
from redaction import clean
from store import reviewed_output
from store.answering import yes_and_no

#: Characters of the bytes an answer binds to that are shown whole.
MOST_BYTES_CHARS: Final = 20_000


def waiting(here: Panel, after: int | None, count: int) -> dict[str, Any]:
    """A page of what waits for a person, what is overdue first, then oldest first."""
    rows = here.reader.all("open_decisions_after", after=after or 0, limit=count + 1)
    return _page(here, rows, count) | {"open": here.reader.open_decisions()}


def answered(here: Panel, before: int | None, count: int) -> dict[str, Any]:
    """A page of what was answered, the newest answer first."""
    rows = here.reader.all("answered_before", before=before or 2**62, limit=count + 1)
    return _page(here, rows, count) | {"open": here.reader.open_decisions()}


def _page(here: Panel, rows: Sequence[sqlite3.Row], count: int) -> dict[str, Any]:
    following = str(rows[count - 1]["place"]) if len(rows) > count else None
    return {"decisions": [view(here, row) for row in rows[:count]], "next": following}


def view(here: Panel, row: sqlite3.Row) -> dict[str, Any]:
    """A decision with everything a person needs to answer it."""
    task = None if row["task_id"] is None else here.reader.task(row["task_id"])
    is_open = row["answer"] is None
    told = decision_of(row, here.clock.now(), task if is_open else None, here.settings.attempt_policy)
    yes, no = yes_and_no(row["kind"], told["options"])
    told |= {} if told["about"] else reviewed_output.result_of(here.home.outputs, row, task).told()
    return told | {
        "title": one_line(clean(_words(task))),
        "asked": to_rfc3339(row["asked"]),
        "yes": yes,
        "no": no,
        "bytes": _bytes(row),
        "answer": row["answer"],
        "answered": None if is_open else to_rfc3339(row["answered"]),
        "answered_by": row["answered_by"],
        "comment": None if row["comment"] is None else clean(row["comment"]),
    }


def _bytes(row: sqlite3.Row) -> str:
    """What `digest` is the SHA-256 of, as far as it can be shown."""
    return _cut(clean(row["payload"]), MOST_BYTES_CHARS, "skep status --json")


def _cut(text: str, most: int, more: str) -> str:
    rest = len(text) - most
    return text if rest <= 0 else f"{text[:most]}\n[{rest:,} more characters: {more}]"


def _words(task: sqlite3.Row | None) -> str:
    """The beginning of what a task is to do."""
    if task is None:
        return ""
    doc = json.loads(task["doc"])
    argv = doc.get("argv")
    told = " ".join(map(str, argv)) if isinstance(argv, list) else doc.get("command") or doc.get("prompt")
    return str(told or "")[:4000]

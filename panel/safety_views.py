"""What safety refused, and how it stands: one shape for the page and for the API."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from audit_events import AUDIT_EVENTS
from clock import to_rfc3339
from errors import InvalidRequest
from panel.background import Progress
from panel.context import Panel
from panel.words import one_line
from redaction import clean, clean_start, clean_value
from settings import Home
from store.audit_log import AUDIT_CHECKPOINT, Checkpoint, record_of
from store.reading import AUDIT_BLOCKED, LOCAL_STATUS, Reader

#: Records of the audit that one page looks through.
STRETCH: Final = 50_000
_LAST: Final = 2**62
#: A place among blocked tasks, as `next` says it: Unix seconds, and the number of the task.
PLACE_AT: Final = r"-?[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?_[0-9]{1,18}"
_PLACE_AT: Final = re.compile(PLACE_AT)
_WORK_CHARS: Final = 2_000


def blocked(reader: Reader, before: str, limit: int) -> dict[str, Any]:
    """A page of tasks that safety blocked, the newest first, and where the next begins."""
    finished, seq = _place(before)
    rows = reader.all("blocked_tasks", finished=finished, seq=seq, limit=limit + 1)
    following = f"{rows[limit - 1]['finished']!r}_{rows[limit - 1]['seq']}" if len(rows) > limit else None
    return {"tasks": [_blocked(row) for row in rows[:limit]], "next": following}


def _place(before: str) -> tuple[float, int]:
    """A place among blocked tasks: when the task ended, and its number."""
    if not before:
        return float(_LAST), _LAST
    finished, _, seq = before.partition("_")
    try:
        if len(before) > 60 or not _PLACE_AT.fullmatch(before):
            raise ValueError
        return float(finished), int(seq)
    except ValueError:
        raise InvalidRequest(
            f"before must be what `next` of the page before said, not {before[:40]!r}."
        ) from None


def _blocked(row: sqlite3.Row) -> dict[str, Any]:
    doc = json.loads(row["doc"])
    argv = doc.get("argv")
    work = " ".join(map(str, argv)) if isinstance(argv, list) and argv else None
    text = str(work or doc.get("command") or doc.get("prompt") or "")
    told: dict[str, Any] = clean_value(
        {
            "id": row["id"],
            "text": one_line(clean_start(text, _WORK_CHARS)),
            "reason": row["reason"],
            "code": row["code"],
            "at": to_rfc3339(row["finished"]),
        }
    )
    return told


def refusals(reader: Reader, before: int | None, limit: int) -> dict[str, Any]:
    """A page of what was refused, as the audit has it, the newest first; it looks through a stretch of it."""
    newest = reader.all("last_audit", limit=1)
    last = newest[0]["seq"] if newest else 0
    last = last if before is None else min(last, before - 1)
    first = max(1, last - STRETCH + 1)
    rows = reader.all("refusals", first=first, last=last, limit=limit)
    first = rows[-1]["seq"] if len(rows) == limit else first
    return {
        "refusals": [
            clean_value(record_of(row) | {"about": AUDIT_EVENTS.get(row["event"], "")}) for row in rows
        ],
        "next": str(first) if first > 1 else None,
        "looked_through": {"first": first, "last": last},
    }


def standing(here: Panel) -> dict[str, Any]:
    """What holds commands, and how the audit stands."""
    reader = here.reader
    newest = reader.all("last_audit", limit=1)
    exported = reader.one("get_meta", key="audit_exported_seq")
    checkpoint = Checkpoint.of_fact(reader.fact(AUDIT_CHECKPOINT))
    blocked_by = reader.fact(AUDIT_BLOCKED)
    return {
        "sandbox": clean_value(reader.fact(LOCAL_STATUS)),
        "audit": {
            "records": newest[0]["seq"] if newest else 0,
            "exported": int(exported["value"]) if exported else 0,
            "checkpoint": None if checkpoint is None else str(checkpoint),
            "trouble": None if blocked_by is None else clean(str(blocked_by["reason"])),
            "check": here.audit_check.state.as_json(),
        },
    }


def verifying(home: Home, checkpoint: Checkpoint | None) -> Callable[[Progress], dict[str, Any]]:
    """The check of the whole audit, as `skep audit verify` makes it."""

    def work(progress: Progress) -> dict[str, Any]:
        from store.audit_log import verify  # noqa: PLC0415  loaded when first asked for
        from store.chained_log.telling import to_json, told  # noqa: PLC0415

        found = verify(home, checkpoint=checkpoint, progress=progress)
        here = str(Checkpoint(found.seq, found.seal)) if found.seq else None
        return to_json(found) | {"checkpoint": here, "told": clean(told(found, "The audit"))}

    return work

"""The tasks of a run, page by page: where each stands, what holds it, what it used, and what it was told."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from clock import to_rfc3339
from errors import InvalidRequest
from panel.context import Panel
from panel.run_words import ASKS, PENDING_REVIEW, word_of
from redaction import clean_start, clean_value
from run_contract.errors import TaskNotFound
from runs import views
from store import lanes, waiting
from store.transaction import dump
from supervisor.presence import situation

#: Names of tasks that are offered to choose of.
MOST_NAMES: Final = 500
#: Characters of an answer that are told with a task.
_MOST_OUTPUT: Final = 4_000
_ENDED_BADLY: Final = ("failed", "safety_blocked", "cancelled")
#: The states of the store that each word of runs stands for, and whether those that were skipped are meant.
_STATES: Final[dict[str, tuple[tuple[str, ...], int | None]]] = {
    "pending": (("blocked", "delayed"), None),
    "ready": (("ready",), None),
    "running": (("running",), None),
    PENDING_REVIEW: (("review",), None),
    ASKS: (("review",), None),
    "completed": (("approved",), None),
    "failed": (_ENDED_BADLY, 0),
    "skipped": (_ENDED_BADLY, 1),
}


def page_of(here: Panel, run: sqlite3.Row, state: str | None, after: str, limit: int) -> dict[str, Any]:
    """Tasks in the order of their ids after one of them; `next` is where the next page begins."""
    if state is not None and state not in _STATES:
        raise InvalidRequest(f"{state[:80]!r} is not a state; choose of {', '.join(_STATES)}.")
    states, skipped = _STATES[state] if state is not None else ((), None)
    rows = here.reader.all(
        "run_tasks_page",
        run=run["seq"],
        after=after,
        states=dump([*states]) if states else None,
        skipped=skipped,
        skips=dump(sorted(views.SKIPPED)),
        asks={PENDING_REVIEW: 0, ASKS: 1}.get(state or ""),
        ask=lanes.ASK,
        limit=limit + 1,
    )
    shown = rows[:limit]
    used = _used(here, shown)
    now = situation(here.home, here.reader) if run["state"] in {"running", "aborting"} else None
    standing = _standing(here, run, shown)
    tasks = [_task(here, row, used.get(row["seq"]), now, standing.get(row["name"])) for row in shown]
    return {"tasks": tasks, "next": shown[-1]["name"] if len(rows) > limit else None}


def one(here: Panel, run: sqlite3.Row, name: str) -> dict[str, Any]:
    """A task of a run, with the document it was asked for by. Raises `TaskNotFound`."""
    row = here.reader.one("run_task_named", run=run["seq"], id=name)
    if row is None:
        raise TaskNotFound(f"The run {run['id']!r} has no task {name[:200]!r}.")
    now = situation(here.home, here.reader) if run["state"] in {"running", "aborting"} else None
    asked: dict[str, Any] = clean_value(json.loads(row["asked"]))
    used, standing = _used(here, [row]), _standing(here, run, [row])
    return _task(here, row, used.get(row["seq"]), now, standing.get(name)) | {"asked": asked}


def names_of(here: Panel, run: sqlite3.Row) -> list[str]:
    """The first tasks that were asked for, by id."""
    return [row["id"] for row in here.reader.all("run_task_names", run=run["seq"], limit=MOST_NAMES)]


def _used(here: Panel, rows: list[sqlite3.Row]) -> dict[int, sqlite3.Row]:
    places = dump([row["seq"] for row in rows])
    return {row["task"]: row for row in here.reader.all("run_used_by", tasks=places)}


def _standing(here: Panel, run: sqlite3.Row, rows: list[sqlite3.Row]) -> dict[str, str]:
    """Those whose answer is that of a later round, with the last that completed."""
    names = [row["name"] for row in rows if row["later"] is not None]
    return views.standing_answers(here.reader, run["seq"], names) if names else {}


def _task(
    here: Panel,
    row: sqlite3.Row,
    used: sqlite3.Row | None,
    now: waiting.Situation | None,
    answer_of: str | None,
) -> dict[str, Any]:
    """A task as `runs.views` tells it, with its ids, moments and what holds it."""
    told = views.told_of(row, views.usage_of(used))
    output = told.pop("output", None)
    told |= {
        "state": word_of(row["state"], row["code"], row["attempts"], row["lane"]),
        "id": row["name"],
        "task_id": row["id"],
        "required": bool(row["required"]),
        "started": None if row["started"] is None else to_rfc3339(row["started"]),
        "finished": None if row["finished"] is None else to_rfc3339(row["finished"]),
        "waiting_for": None if now is None else here.reader.waiting_for(row, now),
    }
    if answer_of is not None:
        told["answer_of"] = answer_of
    shown: dict[str, Any] = clean_value(told)
    return shown if output is None else shown | {"output": clean_start(str(output), _MOST_OUTPUT)}

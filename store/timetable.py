"""When recurring and delayed tasks run, for people to read.

Cron runs on the machine's local time, summer and winter (`store.intake.next_firing`).
"""

from __future__ import annotations

import functools
import json
import re
import sqlite3
from typing import Any, Final

import cronsim

from clock import to_local, to_rfc3339
from redaction import clean_start
from store import intake
from store.reading import Reader
from store.records import STATUS_OF_STATE
from store.schedules import stem

#: Times to come that are told of a schedule.
TIMES_TOLD: Final = 5
#: Occurrences that are told of a schedule, the newest first.
OCCURRENCES_TOLD: Final = 3
#: Characters of a task's words.
WORDS_CHARS: Final = 200

_AT: Final = re.compile(r"At ([0-9]{2}:[0-9]{2}) (.+)")


@functools.lru_cache(maxsize=1024)
def in_words(every: str) -> str:
    """A cron expression in plain English, such as ``every day at 03:00``."""
    told = str(cronsim.CronSim(every, to_local(0)).explain())
    found = _AT.fullmatch(told)
    told = f"{found[2]} at {found[1]}" if found else told
    return told[:1].lower() + told[1:]


def next_times(every: str, first: float, count: int = TIMES_TOLD) -> list[float]:
    """The next firings in Unix seconds, from `first` on; fewer where the calendar has no more of them."""
    times = [first]
    while len(times) < count:
        try:
            times.append(intake.next_firing(every, times[-1]))
        except StopIteration:
            break
    return times


def schedules(reader: Reader, limit: int, after: int = 0) -> list[dict[str, Any]]:
    """Recurring tasks that have not ended, in order of arrival after a place."""
    rows = reader.all("schedules", after=after, limit=limit)
    return [_schedule(reader, row) for row in rows]


def delayed(reader: Reader, limit: int, after: tuple[float, int] = (-1.0, 0)) -> list[dict[str, Any]]:
    """Tasks that wait for a time of their own, the next first, after a place."""
    rows = reader.all("delayed_tasks", moment=after[0], after=after[1], limit=limit)
    return [
        {
            "id": row["id"],
            "seq": row["seq"],
            "work": _work(row),
            "not_before": to_rfc3339(row["not_before"]),
            "at": row["not_before"],
            "reason": row["waiting_for"],
        }
        for row in rows
    ]


def _schedule(reader: Reader, row: sqlite3.Row) -> dict[str, Any]:
    is_blocked = row["state"] == "blocked"
    parents = reader.all("parents_of", child=row["seq"]) if is_blocked else []
    times = [] if is_blocked else next_times(row["every"], row["not_before"])
    last = reader.all("last_occurrences", stem=stem(row["id"]), limit=OCCURRENCES_TOLD)
    return {
        "id": row["id"],
        "seq": row["seq"],
        "work": _work(row),
        "every": row["every"],
        "words": in_words(row["every"]),
        "next": [to_rfc3339(moment) for moment in times],
        "waits_for": [each["id"] for each in parents if each["state"] != "approved"],
        "occurrences": [{"id": each["id"], "status": STATUS_OF_STATE[each["state"]].value} for each in last],
    }


def _work(row: sqlite3.Row) -> str:
    """The beginning of the task's words."""
    doc = json.loads(row["doc"])
    words = doc.get("prompt") or doc.get("command") or " ".join(map(str, doc.get("argv") or ()))
    return clean_start(str(words or ""), WORDS_CHARS)

"""Money as page and API show it: limits with where they come from, spending, and the calls under way."""

from __future__ import annotations

import json
import sqlite3
from datetime import date, timedelta
from typing import Any, Final

from clock import local_day, to_rfc3339
from cost.usage_tracker import Standing, standings
from panel.context import Panel
from redaction import clean_value
from store import budgets, limit_overrides
from store.budgets import Account, Balance, BudgetLimits

#: By what spending is told.
BY: Final = ("day", "model", "identity", "run", "tag")
#: Days of a page, and at most.
DAYS: Final = 30
MOST_DAYS: Final = 366
#: Rows that are told of spending, the most first, and of calls under way.
MOST_ROWS: Final = 100
#: Days of runs, identities or tags that are counted, the newest.
MOST_COUNTED: Final = 10_000
#: Models and other limits that are told.
MOST_LIMITS: Final = 500


def limits_of(here: Panel) -> list[dict[str, Any]]:
    """Every limit: what it is, where that comes from, and what counts against it."""
    reader = here.reader
    now = reader.now()
    found = {each.limit: each for each in standings(reader, now)}
    by_settings, by_person = BudgetLimits.of_settings(reader), budgets.overrides(reader)
    of_runs = ["run"] if by_settings.run is not None else []
    for limit in [*of_runs, *by_person]:
        if limit not in found:
            found[limit] = _unused(here, limit, now)
    told = []
    for limit, standing in list(found.items())[:MOST_LIMITS]:
        scope = limit.partition(":")[0]
        is_settable = limit_overrides.is_limit(limit)
        of_settings = limit_overrides.limit_of(by_settings, limit) if is_settable or scope == "run" else None
        told.append(
            standing.as_json()
            | {
                "is_settable": is_settable,
                "settings_micros": of_settings,
                "set_by_person": by_person.get(limit),
                "source": _source(limit, standing, of_settings, by_person),
            }
        )
    shown: list[dict[str, Any]] = clean_value(told)
    return shown


def _unused(here: Panel, limit: str, now: float) -> Standing:
    """A limit that nothing counts against by itself: each run's, and a model's that was not asked today."""
    account = Account("run") if limit == "run" else Account.of_limit(limit, now)
    return Standing.of(account, BudgetLimits.kept(here.reader).of(account), Balance(), 0)


def _source(limit: str, standing: Standing, of_settings: int | None, by_person: dict[str, Any]) -> str:
    """Where the limit comes from, for a person."""
    scope = limit.partition(":")[0]
    if limit in by_person or (scope == "run" and "run" in by_person):
        return "set by a person"
    if standing.granted_micros is None:
        return "no limit is set"
    if scope == "task":
        return "the task's max_budget"
    if scope == "subtree":
        return "the task's subtree_budget"
    if scope == "run" and standing.granted_micros - standing.topped_up_micros != of_settings:
        return "the run's policy"
    return f"settings: budget_{scope}_usd"


def spending_of(here: Panel, by: str, days: int) -> dict[str, Any]:
    """What was spent in the last days, today among them, by one of `BY`."""
    today = date.fromisoformat(local_day(here.reader.now()))
    since = (today - timedelta(days=days - 1)).isoformat()
    if by in {"day", "model"}:
        rows = here.reader.all(f"spent_by_{by}", since=since, limit=MOST_DAYS if by == "day" else MOST_ROWS)
    else:
        rows = here.reader.all("spent_by", kind=by, since=since, newest=MOST_COUNTED, limit=MOST_ROWS)
    told: list[dict[str, Any]] = clean_value([dict(row) for row in rows])
    counted = max((row.pop("counted", 0) for row in told), default=0)
    in_all = here.reader.one("spent_in_all", since=since)
    return {
        "by": by,
        "days": days,
        "since": since,
        "rows": told,
        "more": counted >= MOST_COUNTED,
        "most_micros": max((row["micros"] for row in told), default=0),
        "total_micros": in_all["micros"] if in_all else 0,
    }


def reservations_of(here: Panel) -> list[dict[str, Any]]:
    """The calls that may still cost something, the oldest first."""
    told: list[dict[str, Any]] = clean_value(
        [_reservation(row) for row in here.reader.all("reservations", limit=MOST_ROWS)]
    )
    return told


def _reservation(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "call": row["id"],
        "task_id": row["task_id"],
        "model": row["model"],
        "reserved_micros": row["reserved"],
        "since": to_rfc3339(row["reserved_at"]),
        "limits": [Account(*each).limit for each in json.loads(row["accounts"])],
    }

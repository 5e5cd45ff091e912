"""Runs as page and API show them: in a list, and one with how it stands."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from clock import to_rfc3339
from errors import InvalidRequest
from panel import inbox_views
from panel.context import Panel
from panel.run_health import health_of
from panel.run_words import WORDS, word_of
from redaction import clean_value
from run_contract.errors import RunNotFound
from runs import views
from store import lost_runs
from store.lanes import ASK
from store.transaction import dump

STATES: Final = ("running", "aborting", "completed", "failed", "aborted")
#: Runs among which those of a state or with some words are looked for at once.
REACH: Final = 5_000
#: Tasks whose usage is counted anew for one page of the list; of further runs it is told the next time.
_MOST_COUNTED: Final = 5_000
#: Forks and questions of a run that are told; and questions that are counted.
_MOST_FORKS: Final = 20
_MOST_ASKED: Final = 20
_MOST_QUESTIONS: Final = 1_000
#: Characters that are looked for.
MOST_WORDS: Final = 200


@dataclass(frozen=True)
class RunQuery:
    """Which runs are asked for."""

    states: tuple[str, ...] = ()
    words: str | None = None
    #: only runs before this place
    before: int | None = None

    def __post_init__(self) -> None:
        """Raise `InvalidRequest` for a state there is not, and for too many words."""
        for each in self.states:
            if each not in STATES:
                raise InvalidRequest(f"{each[:80]!r} is not a state; choose of {', '.join(STATES)}.")
        if self.words is not None and len(self.words) > MOST_WORDS:
            raise InvalidRequest(f"q must be at most {MOST_WORDS} characters.")


def row_of(here: Panel, run_id: str) -> sqlite3.Row:
    """The row of a run. Raises `RunNotFound`."""
    row = here.reader.one("get_run", id=run_id)
    if row is None:
        raise RunNotFound(f"There is no run {run_id[:200]!r}; `skep run list` names them.")
    return row


def listed(here: Panel, query: RunQuery, limit: int) -> dict[str, Any]:
    """A page of runs, the newest first; `next` is where the next page begins.

    `is_short`: the page is not full, and there are more runs to look at.
    """
    before = query.before or 2**62
    (reached,) = here.reader.all("runs_reached", before=before, reach=REACH)
    rows = here.reader.all(
        "find_runs",
        before=before,
        least=reached["last"],
        states=dump([*query.states]) if query.states else None,
        words=query.words or None,
        limit=limit + 1,
    )
    following = rows[limit - 1]["seq"] if len(rows) > limit else None
    is_short = False
    if following is None:
        is_short = reached["count"] == REACH
        following = reached["last"] if is_short else None
    left = _MOST_COUNTED
    told = []
    for row in rows[:limit]:
        used = here.run_usage.known(row)
        if used is None and row["tasks"] <= left:
            left -= row["tasks"]
            used = here.run_usage.of(here.reader, row)
        is_known = used is not None and not lost_runs.is_lost(row)
        told.append(brief(here, row) | {"tokens": used.tokens if used is not None and is_known else None})
    found: dict[str, Any] = clean_value({"runs": told, "next": following, "is_short": is_short})
    return found


def brief(here: Panel, row: sqlite3.Row) -> dict[str, Any]:
    """A run in a list, with its deadline."""
    deadline = row["deadline"]
    return views.brief(here.reader, row) | {
        "created": to_rfc3339(row["created"]),
        "finished": None if row["finished"] is None else to_rfc3339(row["finished"]),
        "deadline": None if deadline is None else to_rfc3339(deadline),
        "is_stopping": bool(row["is_stopping"]),
    }


def counts_of(here: Panel, row: sqlite3.Row) -> dict[str, int]:
    """How many tasks of a run are in each state, in the words of runs; of a large one as of a moment ago."""
    return here.run_usage.keep("counts", row, lambda: _counted(here, row))


def _counted(here: Panel, row: sqlite3.Row) -> dict[str, int]:
    counts: Counter[str] = Counter(dict.fromkeys(WORDS, 0))
    for each in here.reader.all("run_counts", run=row["seq"], ask=ASK):
        counts[word_of(each["state"], each["code"], each["has_begun"], each["ask"] or "")] += each["count"]
    return dict(counts)


def _lost(here: Panel, row: sqlite3.Row) -> int:
    """How many of its tasks were lost with a damaged database."""

    def counted() -> int:
        found = here.reader.one("lost_tasks_count", run=row["seq"])
        return int(found["count"]) if found is not None else 0

    return here.run_usage.keep("lost", row, counted)


def one(here: Panel, row: sqlite3.Row, counts: dict[str, int], *, worker_runs: bool) -> dict[str, Any]:
    """How a run stands, whose tasks are so many in each state: everything but its tasks."""
    reader = here.reader
    told = brief(here, row) | {"lost_tasks": _lost(here, row)}
    budget, used = views.budget_of(reader, row), here.run_usage.of(reader, row)
    questions = reader.all("open_decisions_of_run", run=row["id"], limit=_MOST_QUESTIONS)
    (reached,) = reader.all("runs_reached", before=2**62, reach=REACH)
    least = max(row["seq"], reached["last"])
    forks = reader.all("run_forks", least=least, id=row["id"], limit=_MOST_FORKS)
    stopping = row["reason"] if row["is_stopping"] else None
    told |= {
        "health": health_of(told, counts, len(questions), worker_runs=worker_runs, stopping=stopping),
        "counts": counts,
        "tokens": None if used is None or told["is_lost"] else used.tokens,
        "budget": budget.as_json(),
        "policy": json.loads(row["policy"]),
        "memory": json.loads(row["memory"]),
        "source": row["source"],
        "decisions": [inbox_views.view(here, each) for each in questions[:_MOST_ASKED]],
        "questions": len(questions),
        "forks": [{"id": each["id"], "state": each["state"]} for each in forks],
    }
    shown: dict[str, Any] = clean_value(told)
    return shown


def request_of(here: Panel, row: sqlite3.Row) -> dict[str, Any]:
    """The request that started a run, for another start of the same.

    Raises `RunCompleted` where it or tasks of it were lost.
    """
    lost_runs.check_tasks(here.reader, row, "written down")
    told: dict[str, Any] = json.loads(row["request"])
    told |= {"policy": json.loads(row["policy"]), "memory": json.loads(row["memory"])}
    told |= {"tasks": views.asked(here.reader, row)}
    told.pop("id", None)
    shown: dict[str, Any] = clean_value(told)
    return shown

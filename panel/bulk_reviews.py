"""The results that approving many would let count: each is shown, and only what was shown is approved."""

from __future__ import annotations

import sqlite3
from itertools import islice
from typing import Any, Final

from panel import inbox_views
from panel.answer_labels import asks
from panel.context import Panel
from panel.words import count_of
from store.answering import why_outdated
from store.transaction import dump

#: Results of one look, as many as the inbox has cards; each of them is bounded as it is there.
MOST_SHOWN: Final = 20


def reviews_of(here: Panel, ids: list[str]) -> list[dict[str, Any]]:
    """What is asked about the results of these tasks, in their order, each with the result itself.

    A result that cannot be approved any more, since its task was edited, is not among them.
    """
    rows = here.reader.all("open_reviews_of", ids=dump(ids), limit=len(ids))
    can = (row for row in rows if not _is_outdated(here, row))
    return [_shown(inbox_views.view(here, row)) for row in islice(can, MOST_SHOWN)]


def _is_outdated(here: Panel, row: sqlite3.Row) -> bool:
    task = here.reader.task(row["task_id"])
    return task is None or why_outdated(task, row) is not None


def _shown(decision: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": decision["task_id"],
        "decision": decision["id"],
        "digest": decision["digest"],
        "question": asks(decision),
        "about": decision["about"],
        "about_length": decision["about_length"],
        "about_parts": decision["about_parts"],
    }


def foretold(shown: int, waiting: int, meant: int) -> str:
    """What will happen, in plain words: so many are shown of those that wait for a person, of those meant."""
    if not shown:
        return "None of these can be approved together. Nothing would happen." + _others(shown, waiting)
    one = shown == 1
    told = (
        f"Approve {count_of(shown, 'task')}? {'Its result stands' if one else 'Their results stand'} below. "
        f"{'It counts' if one else 'They count'}, and what waits for {'it' if one else 'them'} may start."
    )
    rest = meant - shown
    if rest:
        told += " 1 other stays as it is." if rest == 1 else f" The other {rest:,} stay as they are."
    return told + _others(shown, waiting)


def _others(shown: int, waiting: int) -> str:
    """What becomes of others that wait for a person, too."""
    if shown == waiting:
        return ""
    alone = " A command, a plan or a limit that asks you is answered by itself."
    return " Further results come when you press Approve again." + alone if shown == MOST_SHOWN else alone

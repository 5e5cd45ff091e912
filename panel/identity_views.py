"""Identities as the panel shows them: who they are, what they did, earned, paid and wrote."""

from __future__ import annotations

import contextlib
from typing import Any, Final

from clock import to_rfc3339
from enrichment import telling
from enrichment.roster import Roster
from enrichment.statistics import Statistics, statistics_of
from errors import InvalidRequest
from panel.context import Panel
from redaction import clean_value
from settings import Home, Settings
from store.lanes import ConcurrencyLimits
from store.reading import Reader

#: Tasks that a page of deeds looks through.
STRETCH: Final = 5_000
#: Approvals without a reward that are told.
_REFUSALS: Final = 20
_LAST: Final = 2**62


def overview_of(here: Panel) -> dict[str, Any]:
    """Every identity with its figures, what earned nothing lately, and when that was counted."""
    counted = here.identity_figures.get(lambda: _count(here.home, here.settings))
    figures: list[Statistics] = (counted.result or {}).get("figures", [])
    return {
        "identities": clean_value(telling.identities(Roster(here.home.identities), figures)),
        "refusals": (counted.result or {}).get("refusals", []),
        "counted": None if counted.ended is None else to_rfc3339(counted.ended),
    }


def _count(home: Home, settings: Settings) -> dict[str, Any]:
    """What takes long, over a connection of its own."""
    with contextlib.closing(Reader(home.database, ConcurrencyLimits.of_settings(settings))) as reader:
        refusals = reader.all("unrewarded", identity=None, limit=_REFUSALS)
        return {
            "figures": statistics_of(reader),
            "refusals": [clean_value(telling.refusal(dict(row))) for row in refusals],
        }


def deeds(reader: Reader, identity: str | None, before: str, limit: int) -> dict[str, Any]:
    """A page of attempts that were made as an identity, newest task first; it looks through a stretch."""
    task, lease = _place(before)
    newest = reader.one("last_task")
    last = min(task, (newest["seq"] if newest else None) or 0)
    first = max(1, last - STRETCH + 1)
    rows = reader.all("deeds", identity=identity, first=first, task=task, lease=lease, limit=limit)
    following = f"{first}_0" if first > 1 else None
    if len(rows) == limit:
        following = f"{rows[-1]['task']}_{rows[-1]['lease']}"
    told = [
        {
            "task_id": row["id"],
            "identity_id": row["identity"],
            "attempt": row["attempt"],
            "became": row["became"],
            "cost_micros": row["cost_micros"],
            "ended": None if row["ended"] is None else to_rfc3339(row["ended"]),
        }
        for row in rows
    ]
    return {"deeds": clean_value(told), "next": following}


def _place(before: str) -> tuple[int, int]:
    """A place among attempts: the task's place, and the number of the lease."""
    if not before:
        return _LAST, _LAST
    task, _, lease = before.partition("_")
    if not (task.isascii() and task.isdigit() and lease.isascii() and lease.isdigit() and len(before) <= 38):
        raise InvalidRequest(f"before must be what `next` of the page before said, not {before[:40]!r}.")
    return min(int(task), _LAST), min(int(lease), _LAST)


def ledger(reader: Reader, identity: str | None, before: int | None, limit: int) -> dict[str, Any]:
    """A page of the ledger, newest first."""
    return _page(reader, "ledger_page", identity, before, limit, "seq", telling.entry, "entries")


def journal(reader: Reader, identity: str | None, before: int | None, limit: int) -> dict[str, Any]:
    """A page of the journals, newest first."""
    return _page(reader, "journal_page", identity, before, limit, "number", telling.journal_entry, "entries")


def _page(
    reader: Reader, query: str, identity: str | None, before: int | None, limit: int,
    key: str, tell: Any, name: str,
) -> dict[str, Any]:  # fmt: skip
    values: dict[str, Any] = {"before": before or _LAST, "limit": limit + 1}
    if identity is not None:
        query, values = f"{query}_of", values | {"identity": identity}
    rows = reader.all(query, **values)
    return {
        name: clean_value([tell(dict(row)) for row in rows[:limit]]),
        "next": str(rows[limit - 1][key]) if len(rows) > limit else None,
    }

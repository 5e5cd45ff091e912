"""Identities, their ledger and their journals, as every face tells them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from enrichment.rewards import REFUSALS
from enrichment.roster import Entry, Roster
from enrichment.statistics import Statistics
from money import to_dollars
from store import ledger


def identities(
    roster: Roster, figures: Iterable[Statistics], name: str | None = None
) -> list[dict[str, Any]]:
    """One identity, or all that have a file or ever did anything: who they are, and how they are doing."""
    found = {each.identity: each for each in figures}
    entries = {each.id: each for each in ([roster.get(name)] if name else roster.all())}
    for known in found:
        entries.setdefault(known, Entry(known))
    return [_identity(entries[each], found.get(each) or Statistics(each)) for each in sorted(entries)]


def _identity(entry: Entry, statistics: Statistics) -> dict[str, Any]:
    return {
        "id": entry.id,
        "file": entry.file,
        "fault": entry.fault,
        **({} if entry.identity is None else entry.identity.model_dump()),
        "statistics": statistics.as_json(),
    }


def entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the ledger; a grant with what it was made of."""
    told = {name: row[name] for name in ("identity_id", "kind", "subject", "tokens", "balance", "at")}
    if row["kind"] == ledger.GRANT:
        told |= {
            "budget_used": to_dollars(row["budget_used"]),
            "max_budget": to_dollars(row["max_budget"]),
            "review_confidence": row["confidence"],
        }
    return told


def refusal(row: Mapping[str, Any]) -> dict[str, Any]:
    """An approval that earned nothing, with the reason and what that means."""
    data = json.loads(row["data"])
    reason = data.get("phase5_reward_reason")
    return {
        "task_id": row["task_id"],
        "identity_id": data.get("phase5_reward_identity"),
        "reason": reason,
        "meaning": REFUSALS.get(str(reason)),
        "at": row["ts"],
    }


def journal_entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of a journal."""
    return {name: row[name] for name in ("number", "identity_id", "text", "written_by", "written_at")}

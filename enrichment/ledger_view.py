"""``.swarm/phase5_reward_ledger.json``: the ledger of tokens as the seed shows it. Nobody reads it back.

It shows the newest rows and the totals of everybody, so its size has a bound and writing it costs the same
however many grants there are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from money import to_dollars
from store import ledger, private_files
from store.reading import Reader

VERSION: Final = 1


def write(path: Path, reader: Reader, most: int) -> None:
    """Put the view in place, whole and on disk. Raises `OSError`, `StoreError`."""
    private_files.write(path, json.dumps(view(reader, most), indent=1) + "\n")


def view(reader: Reader, most: int) -> dict[str, Any]:
    """What the file shows."""
    rows = [dict(row) for row in reader.all("newest_entries", identity=None, limit=most)][::-1]
    return {
        "version": VERSION,
        "note": f"a view of .swarm/state.db, the newest {most} rows; changes here are not read",
        "totals": {each.identity: _total(each) for each in ledger.purses(reader)},
        "grants": {f"{row['subject']}::{row['identity_id']}": _grant(row) for row in rows if _is_grant(row)},
        "spent": [_payment(row) for row in rows if not _is_grant(row)],
    }


def _is_grant(row: dict[str, Any]) -> bool:
    return bool(row["kind"] == ledger.GRANT)


def _total(purse: ledger.Purse) -> dict[str, int]:
    return {"earned": purse.earned, "spent": purse.spent, "balance": purse.balance}


def _grant(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "task_id": row["subject"],
        "identity_id": row["identity_id"],
        "tokens_requested": row["tokens_requested"],
        "tokens_awarded": row["tokens_awarded"],
        "budget_used": to_dollars(row["budget_used"]),
        "max_budget": to_dollars(row["max_budget"]),
        "review_confidence": row["confidence"],
        "reason": row["reason"],
        "granted_at": row["granted_at"],
    }


def _payment(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "identity_id": row["identity_id"],
        "bought": row["kind"],
        "subject": row["subject"],
        "tokens": -row["tokens"],
        "balance": row["balance"],
        "at": row["at"],
    }

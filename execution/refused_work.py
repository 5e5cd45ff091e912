"""The audit's record of work beside an attempt that the safety gateway refused."""

from __future__ import annotations

import hashlib
from typing import Any

from store.records import TaskRef
from store.transaction import Transaction


def audit(tx: Transaction, ref: TaskRef, refused: str, report: dict[str, Any]) -> None:
    """Record a refusal with its first rule; `refused` names the work, of which only a digest is kept."""
    found = [each.get("rule") for each in report.get("checks", {}).values() if not each["passed"]]
    tx.audit(
        "execution",
        "blocked",
        actor="swarm",
        task_id=ref.id,
        lease=ref.lease,
        rule=next(filter(None, found), "unnamed"),
        digest=hashlib.sha256(refused.encode("utf-8", "surrogatepass")).hexdigest(),
    )

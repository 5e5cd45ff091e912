"""What was earned, paid and written into journals after the backup, entered again as the history tells it.

The ledger has each once. A payment whose tokens are lost with a damaged history is left out: a balance is
never below zero.
"""

from __future__ import annotations

import json

from store import journal, ledger
from store.recovery.standing import Event
from store.transaction import Transaction


def is_about(event: Event) -> bool:
    """Whether an event tells of any of it."""
    return event["event"] in {"reward.spent", "journal.written"} or (
        event["event"] == "task.approved" and event.get("phase5_reward_applied") is True
    )


def play(tx: Transaction, events: list[Event]) -> None:
    """Enter what the store does not know."""
    for event in events:
        if event["event"] == "task.approved":
            _granted(tx, event)
        elif event["event"] == "reward.spent":
            _spent(tx, event)
        else:
            _written(tx, event)


def _granted(tx: Transaction, event: Event) -> None:
    row = tx.one("get_task", id=event["task_id"])
    doc = json.loads(row["doc"]) if row is not None else {}
    most = doc.get("max_budget")
    cost, confidence = event.get("cost_micros"), event.get("review_confidence")
    at = str(event.get("phase5_reward_granted_at") or event["ts"])
    grant = {
        "task_id": event["task_id"],
        "identity_id": str(event.get("phase5_reward_identity")),
        "tokens_requested": _count(event, "phase5_reward_tokens_requested"),
        "tokens_awarded": _count(event, "phase5_reward_tokens_awarded"),
        "budget_used": cost if isinstance(cost, int) else 0,
        "max_budget": round(most * 1_000_000) if isinstance(most, int | float) else 0,
        "confidence": float(confidence) if isinstance(confidence, int | float) else 0.0,
        "reason": str(event.get("phase5_reward_reason") or "under_budget"),
        "granted_at": at,
    }
    ledger.enter_grant(tx, grant, at[:10])


def _spent(tx: Transaction, event: Event) -> None:
    identity, bought, subject = (event.get(name) for name in ("identity_id", "bought", "subject"))
    tokens = _count(event, "tokens")
    is_known = bought in {ledger.JOURNAL, ledger.FREE_TIME}
    if tokens and is_known and isinstance(identity, str) and isinstance(subject, str):
        ledger.enter_payment(tx, identity, str(bought), subject, tokens, event["ts"])


def _written(tx: Transaction, event: Event) -> None:
    identity, words, number = event.get("identity_id"), event.get("text"), _count(event, "entry")
    if number and isinstance(identity, str) and isinstance(words, str):
        journal.restore(tx, identity, number, words, str(event.get("source")), event["ts"])


def _count(event: Event, name: str) -> int:
    value = event.get(name)
    return value if type(value) is int and 0 <= value < 2**31 else 0

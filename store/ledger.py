"""The ledger of tokens: what identities earned, and what they paid with it. It only grows.

A row carries the balance after it, and the table holds that none is below zero: so a balance costs one look,
and no two processes can spend the same tokens. A grant is made in the transaction that approves the task, a
payment in the one that enters what it buys; each once for what it is about, whatever crashes in between.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from clock import local_day, to_rfc3339
from errors import InvalidRequest, TooFewTokens
from faults import fault_point
from store.asking import Asks
from store.transaction import Transaction

GRANT: Final = "grant"
JOURNAL: Final = "journal"
#: Also the `source` of the tasks it buys.
FREE_TIME: Final = "free_time"


@dataclass(frozen=True, slots=True)
class Purse:
    """The tokens of an identity."""

    identity: str
    earned: int = 0
    balance: int = 0

    @property
    def spent(self) -> int:
        """Tokens it paid."""
        return self.earned - self.balance

    def as_json(self) -> dict[str, Any]:
        """The purse as every face shows it."""
        return {
            "identity_id": self.identity,
            "earned": self.earned,
            "spent": self.spent,
            "balance": self.balance,
        }


def purse_of(asks: Asks, identity: str) -> Purse:
    """The tokens of one identity."""
    row = asks.one("last_entry_of", identity=identity)
    return Purse(identity) if row is None else Purse(identity, row["earned"], row["balance"])


def purses(asks: Asks) -> list[Purse]:
    """The tokens of every identity that ever earned any, by name."""
    return [Purse(row["identity_id"], row["earned"], row["balance"]) for row in asks.all("last_entries")]


def grant(tx: Transaction, due: dict[str, Any]) -> dict[str, Any]:
    """Grant tokens at most once for a task and identity; the event fields that tell of it.

    `due` is the row of `reward_grant`.
    """
    granted_at = to_rfc3339(tx.now)
    applied = enter_grant(tx, {**due, "granted_at": granted_at}, local_day(tx.now))
    return {
        "phase5_reward_applied": applied,
        "phase5_reward_tokens_requested": due["tokens_requested"],
        "phase5_reward_tokens_awarded": due["tokens_awarded"] if applied else 0,
        "phase5_reward_identity": due["identity_id"],
        "phase5_reward_reason": due["reason"] if applied else "already_granted",
        "phase5_reward_granted_at": granted_at if applied else None,
        "phase5_reward_ledger_recorded": True,
    }


def not_granted(identity: str, reason: str) -> dict[str, Any]:
    """The event fields of an approval that grants an identity nothing, and the word for why."""
    return {
        "phase5_reward_applied": False,
        "phase5_reward_tokens_requested": 0,
        "phase5_reward_tokens_awarded": 0,
        "phase5_reward_identity": identity,
        "phase5_reward_reason": reason,
        "phase5_reward_ledger_recorded": False,
    }


def enter_grant(tx: Transaction, row: dict[str, Any], day: str) -> bool:
    """Enter a grant with the time it was made at; false where the ledger holds it already."""
    if tx.run("insert_grant", **row).rowcount == 0:
        return False
    if row["tokens_awarded"] > 0:
        _enter(tx, row["identity_id"], GRANT, row["task_id"], row["tokens_awarded"], day, row["granted_at"])
    return True


def pay(tx: Transaction, identity: str, bought: str, subject: str, tokens: int, **told: Any) -> Purse:
    """Pay for something, in the transaction that enters it; what is left. `told`: more of the event.

    Raises `TooFewTokens`, and `InvalidRequest` where this very thing was paid for before.
    """
    if tx.one("entry_about", identity=identity, kind=bought, subject=subject) is not None:
        raise InvalidRequest(f"{identity} has paid for {bought} {subject} before; nothing was taken.")
    if not _enter(tx, identity, bought, subject, -tokens, local_day(tx.now), to_rfc3339(tx.now)):
        has = purse_of(tx, identity).balance
        raise TooFewTokens(
            f"{identity} has {has} tokens and needs {tokens}. It earns them by tasks that are approved under "
            "their max_budget (skep rewards)."
        )
    fault_point("reward.before_commit")
    left = purse_of(tx, identity)
    tx.emit(
        "reward.spent",
        identity_id=identity,
        bought=bought,
        subject=subject,
        tokens=tokens,
        balance=left.balance,
        **told,
    )
    return left


def enter_payment(tx: Transaction, identity: str, bought: str, subject: str, tokens: int, at: str) -> bool:
    """Enter a payment that the history tells of; false where it is there, or was paid with what is lost."""
    if tx.one("entry_about", identity=identity, kind=bought, subject=subject) is not None:
        return False
    return _enter(tx, identity, bought, subject, -tokens, at[:10], at)


def _enter(tx: Transaction, identity: str, kind: str, subject: str, tokens: int, day: str, at: str) -> bool:
    entered: sqlite3.Cursor = tx.run(
        "insert_entry", identity=identity, kind=kind, subject=subject, tokens=tokens, day=day, at=at
    )
    return entered.rowcount == 1

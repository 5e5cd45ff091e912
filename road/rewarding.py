"""What a task that is being judged earns, worked out in the transaction that may approve it.

Costs nothing for a task that runs as nobody. For others the ledger of money is asked, in the same
transaction, what all its attempts cost.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from enrichment import rewards
from enrichment.rewards import Deed
from outcome import Outcome, Verdict
from store import budgets
from store.budgets import Account
from store.records import Claim
from store.transaction import Transaction


class Rewarding:
    """Works out rewards for the tasks of one home.

    Parameters:
        default_identity: who does tasks that name nobody.
    """

    def __init__(self, default_identity: str | None = None) -> None:
        self._default = default_identity

    def note(self, tx: Transaction, claim: Claim) -> None:
        """Keep who an attempt was made as."""
        identity = self._identity(claim)
        if identity is not None:
            tx.run("note_identity", identity=identity, task=claim.seq, lease=claim.ref.lease)

    def told(self, claim: Claim) -> dict[str, str]:
        """What the events of an attempt say of who made it."""
        identity = self._identity(claim)
        return {} if identity is None else {"identity_id": identity}

    def on_approval(
        self, tx: Transaction, row: sqlite3.Row, claim: Claim, outcome: Outcome, verdict: Verdict
    ) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """The grant that an approval by `verdict` makes; where it is none, what the event says of that."""
        deed = self._deed(tx, row, claim, outcome, verdict)
        if deed is None:
            return None, {}
        return rewards.grant_for(deed), rewards.refusal_fields(deed)

    def in_question(
        self, tx: Transaction, row: sqlite3.Row, claim: Claim, outcome: Outcome, verdict: Verdict
    ) -> dict[str, Any]:
        """What a question to a person says of the reward: what their yes grants, or why it grants nothing."""
        yes = verdict.model_copy(update={"confidence": rewards.A_PERSON_IS_SURE})
        deed = self._deed(tx, row, claim, outcome, yes)
        if deed is None:
            return {"grant": None}
        return {"grant": rewards.grant_for(deed), "unrewarded": rewards.refusal_fields(deed)}

    def _identity(self, claim: Claim) -> str | None:
        return claim.task.identity_id or self._default

    def _deed(
        self, tx: Transaction, row: sqlite3.Row, claim: Claim, outcome: Outcome, verdict: Verdict
    ) -> Deed | None:
        identity = self._identity(claim)
        if identity is None:
            return None
        return Deed(
            task_id=claim.id,
            identity=identity,
            is_completed=outcome.status == "completed",
            reviewer=verdict.reviewer,
            confidence=verdict.confidence,
            used=_used(tx, claim, outcome),
            max_budget=claim.task.max_budget_micros,
            most=claim.task.reward,
            is_free_time=tx.one("is_free_time", id=row["id"]) is not None,
        )


def _used(tx: Transaction, claim: Claim, outcome: Outcome) -> int | None:
    """Micro-dollars that all attempts of a task cost, and where it was split all of its parts."""
    if outcome.cost_micros is None:
        return None
    if claim.is_planned:
        row = tx.one("spent_with_parts", id=claim.id)
        spent = 0 if row is None else int(row["micros"])
    else:
        spent = budgets.balance_of(tx, Account("task", claim.id)).spent
    return max(spent, outcome.cost_micros)

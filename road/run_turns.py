"""What follows a failed attempt of a task whose run has a rule of its own for that, and how it is told."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Final

from errors import SkepError
from outcome import Outcome
from run_contract.errors import TaskFailed, TaskTimeout
from run_contract.policy import RunPolicy
from runs.retrying import Again
from runs.turns import Turns, is_ruled
from store import run_ends
from store.asking import Asks
from store.reading import MODEL_STATUS
from store.records import Claim
from store.transaction import Transaction

#: What the codes of a model's errors begin with.
_OF_A_MODEL: Final = "model_"


@dataclass(frozen=True, slots=True)
class Follows:
    """What the policy of a run says of a failed attempt."""

    #: none: the task has failed
    again: Again | None
    #: the model that was asked
    model: str


def turns_of(asks: Asks, claim: Claim, row: sqlite3.Row) -> Turns | None:
    """The turns of a claimed task, whose row of ``run_task_of`` is given; none where its run has no rule."""
    policy = RunPolicy.model_validate_json(row["policy"])
    if not is_ruled(policy):
        return None
    own = "" if claim.task.mode == "local" else claim.task.model or _default_model(asks)
    return Turns(row["run"], row["id"], policy, own, json.loads(row["doc"]).get("model_role"))


def after(tx: Transaction, claim: Claim, tried: int, outcome: Outcome) -> Follows | None:
    """What follows the last of `tried` attempts; none where that is for the daemon's settings to say."""
    failure = outcome.failure
    if not run_ends.run_of(claim.id):
        return None
    if failure is not None and not failure.counts and not failure.code.startswith(_OF_A_MODEL):
        return None  # nothing of the task's own kept it from running
    row = tx.one("run_task_of", task=claim.seq)
    turns = None if row is None else turns_of(tx, claim, row)
    if turns is None:
        return None
    error, may_help = _error_of(outcome)
    return Follows(turns.after(tried, error, may_help=may_help), turns.model(tried - 1))


def _error_of(outcome: Outcome) -> tuple[SkepError, bool]:
    """What an attempt failed by, and whether another may go better; of a rejected answer it may."""
    failure = outcome.failure
    if outcome.timed_out:
        return TaskTimeout(), True
    if failure is None:
        return TaskFailed(), True
    return TaskFailed(), failure.retryable


def tell(tx: Transaction, row: sqlite3.Row, follows: Follows, reason: str) -> None:
    """Tell that another model is asked from now on; nothing where it is the same."""
    again = follows.again
    if again is not None and again.why == "fallback":
        tx.emit(
            "task.fallback",
            task_id=row["id"],
            attempt=row["attempts"],
            model=again.model,
            reason=f"{follows.model} did not do it ({reason}); {again.model} is asked next",
        )


def _default_model(asks: Asks) -> str:
    row = asks.one("get_meta", key=MODEL_STATUS)
    return "" if row is None else str(json.loads(row["value"]).get("model") or "")

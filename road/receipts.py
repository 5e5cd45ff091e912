"""What is written of a route when its attempt is concluded, and where a tool's command came to nothing."""

from __future__ import annotations

import sqlite3
from typing import Any

from outcome import Failure, Outcome
from store import recording, tool_uses
from store.records import Claim
from store.transaction import Transaction
from tool_router import Route, saved_tokens


def receipt(route: Route, claim: Claim, outcome: Outcome) -> dict[str, Any]:
    """The event fields that tell of a route and of what it saved."""
    if route.name is None:
        return route.receipt()
    is_answer = route.outcome == "run" and outcome.status == "completed"
    saved = saved_tokens(claim.task.prompt or "", outcome) if is_answer else 0
    return route.receipt() | {"tool_saved_tokens": saved}


def note(tx: Transaction, route: Route, claim: Claim, told: dict[str, Any]) -> None:
    """Put the tool down with the attempt, before anything becomes of it; nothing where there is none."""
    if route.name is not None:
        tool_uses.note(tx, claim.seq, claim.ref.lease, route.name, told["tool_saved_tokens"])


def goes_on_without(route: Route, failure: Failure) -> bool:
    """Whether a tool's command could not be run at all, so that a model is asked instead."""
    return route.outcome == "run" and not failure.retryable


def to_a_model(tx: Transaction, row: sqlite3.Row, route: Route, failure: Failure) -> None:
    """Send a task back whose tool came to nothing; the finding keeps its command from running again."""
    found = f"the tool {route.name} could not answer: {failure.message}"
    recording.requeue(tx, row, found, code=failure.code, feedback=[found], counts=False, became="rejected")

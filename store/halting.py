"""What stops the whole home, as the history and the audit tell it: the kill switch and the circuit breaker.

The kill switch is a file (`store.kill_file`), and nothing waits for the word of the store about it: what is
kept here is only what was last told, so that each change is told once whoever notices it first. The circuit
breaker is a fact of the store; while it is there, nothing is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clock import to_rfc3339
from store import decisions, kill_file
from store.reading import BREAKER
from store.records import Question
from store.transaction import Transaction, dump

KILL_SWITCH_TOLD: Final = "kill_switch_told"
#: Who changed the switch where nobody said so.
BY_HAND: Final = "by hand"
#: The kind of the question that a tripped breaker asks.
BREAKER_KIND: Final = "circuit_breaker"


@dataclass(frozen=True, slots=True)
class Trip:
    """Why the circuit breaker trips."""

    #: the rule: failures_in_a_row, same_failure or spend_per_minute
    rule: str
    #: the sentence for a person
    reason: str
    #: failures, or micro-dollars
    count: int


def note_kill_switch(tx: Transaction, path: Path, by: str | None = None) -> bool:
    """Tell that the kill switch was set or cleared since it was last told; false if it was not.

    `by` is who has just changed it, where that is known.
    """
    found = kill_file.look(path)
    now = None if found is None else dump([found.reason, found.by, found.since])
    if now == tx.meta(KILL_SWITCH_TOLD):
        return False
    if found is None or now is None:
        tx.run("delete_meta", key=KILL_SWITCH_TOLD)
        tx.emit("daemon.kill_switch_off", source=by or BY_HAND)
        tx.audit("kill_switch", "cleared", actor=by or BY_HAND)
    else:
        tx.set_meta(KILL_SWITCH_TOLD, now)
        who = found.by or BY_HAND
        tx.emit("daemon.kill_switch_on", source=who, reason=found.reason)
        tx.audit("kill_switch", "set", actor=who, reason=found.reason)
    return True


def trip_breaker(tx: Transaction, trip: Trip, seen: int) -> bool:
    """Claim nothing until a person resumes; false where it has tripped, or was reset after event `seen`."""
    if tx.meta(BREAKER) is not None or tx.one("reset_after", after=seen) is not None:
        return False
    tx.set_meta(BREAKER, dump({"rule": trip.rule, "reason": trip.reason, "at": to_rfc3339(tx.now)}))
    question = Question(
        kind=BREAKER_KIND,
        question=f"The circuit breaker tripped: {trip.reason}. Nothing new is started; what runs goes on. "
        "Look at what went wrong, then let work go on (skep resume)",
        options=("resume", "wait"),
        payload={"rule": trip.rule, "reason": trip.reason, "count": trip.count, "seen": seen},
    )
    decision = decisions.ask(tx, question)
    tx.emit("daemon.breaker_tripped", code=trip.rule, reason=trip.reason, count=trip.count, decision=decision)
    tx.audit("circuit_breaker", "tripped", actor="circuit_breaker", rule=trip.rule, reason=trip.reason)
    return True


def reset_breaker(tx: Transaction, by: str) -> bool:
    """Claim again, and count anew from here; false where it had not tripped."""
    if tx.meta(BREAKER) is None:
        return False
    tx.run("delete_meta", key=BREAKER)
    decisions.withdraw_kind(tx, BREAKER_KIND, by)
    tx.emit("daemon.breaker_reset", source=by)
    tx.audit("circuit_breaker", "reset", actor=by)
    return True

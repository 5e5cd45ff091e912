"""The gates a judged result still has before it: unit, integration, end to end. A state machine, and pure.

The vote is the review. A gate is passed by a task like any other: one that waits for the result and bears the
tag ``gate:unit``, ``gate:integration`` or ``gate:e2e``, such as a test run. So nothing is kept here that the
store does not hold, and every status follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

Gate = Literal["pending", "passed", "failed"]
Vote = Literal["pending", "approved", "rejected"]

GATES: Final = ("unit", "integration", "e2e")
TAG_PREFIX: Final = "gate:"

#: From each status of a change, where it may go. A gate that failed may be tried again.
TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    "pending_vote": frozenset({"needs_qa", "rejected"}),
    "rejected": frozenset({"pending_vote"}),
    "needs_qa": frozenset({"qa_in_progress", "needs_integration", "blocked"}),
    "qa_in_progress": frozenset({"needs_integration", "needs_qa", "blocked"}),
    "needs_integration": frozenset({"needs_e2e", "blocked"}),
    "needs_e2e": frozenset({"ready_for_merge", "blocked"}),
    "blocked": frozenset({"needs_qa", "qa_in_progress", "needs_integration", "needs_e2e", "ready_for_merge"}),
    "ready_for_merge": frozenset({"blocked"}),
}

#: What the state of a gate's task says of the gate; whatever else: pending.
_OF_STATE: Final[dict[str, Gate]] = {
    "approved": "passed",
    "failed": "failed",
    "safety_blocked": "failed",
    "cancelled": "failed",
}
_OF_VOTE: Final[dict[str, Vote]] = {"approved": "approved", "failed": "rejected"}


def vote_of(state: str) -> Vote:
    """The vote on a task in this state of the store."""
    return _OF_VOTE.get(state, "pending")


def gates_of(tasks: Mapping[str, list[str]]) -> dict[str, Gate]:
    """How each gate stands, from the states of its tasks: passed when all are, failed when one is."""
    return {name: _gate(tasks.get(name, [])) for name in GATES}


def _gate(states: list[str]) -> Gate:
    found = {_OF_STATE.get(state, "pending") for state in states}
    if "failed" in found:
        return "failed"
    return "passed" if found == {"passed"} else "pending"


def status_of(vote: Vote, gates: Mapping[str, Gate], *, is_tested: bool) -> str:
    """Where a change stands; `is_tested`: whether a task of its unit gate runs or is being judged."""
    if vote != "approved":
        return {"pending": "pending_vote", "rejected": "rejected"}[vote]
    if "failed" in gates.values():
        return "blocked"
    if gates["unit"] != "passed":
        return "qa_in_progress" if is_tested else "needs_qa"
    if gates["integration"] != "passed":
        return "needs_integration"
    return "ready_for_merge" if gates["e2e"] == "passed" else "needs_e2e"


def gate_named(tags: Any) -> str | None:
    """The gate that a task's tags name, or none."""
    names = [str(tag).removeprefix(TAG_PREFIX) for tag in tags or () if str(tag).startswith(TAG_PREFIX)]
    return next((name for name in names if name in GATES), None)

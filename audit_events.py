"""What the audit tells of: every decision about what may run, be sent, be spent, or steer the daemon.

A record is a row written in the transaction it guards, so that it is durable before the side effect; the
leader chains the rows and exports them to ``.swarm/audit.jsonl``. An event or a decision that is not listed
here cannot be written: the lists are the documentation.
"""

from __future__ import annotations

from typing import Final

#: Every event of the audit, with what was decided.
AUDIT_EVENTS: Final[dict[str, str]] = {
    "execution": "whether a command or a model call may run, on the exact bytes under `digest`",
    "decision": "a person answered a question",
    "kill_switch": "the kill switch was set or cleared",
    "circuit_breaker": "the circuit breaker tripped, or a person reset it",
    "model_call": "a model call was let go, refused or booked; `cost_micros`: reserved, needed or booked",
    "budget": "a person let a limit have more money, or would not",
}

#: Every word a record may have as its `decision`.
AUDIT_DECISIONS: Final[dict[str, str]] = {
    "allowed": "it may go on",
    "blocked": "a rule refused it",
    "recorded": "it happened, and nothing was refused",
    "set": "from here on nothing runs",
    "cleared": "from here on work goes on",
    "tripped": "from here on nothing new is started",
    "reset": "work goes on, and counting begins anew",
    "reserved": "it may go on, and its worst case is reserved in every budget",
    "settled": "it has ended and is booked at what it cost",
    "unsettled": "it has ended and is booked at its worst case, as nobody knows what was used",
    "topped_up": "a person added to a limit",
    "declined": "a person would not",
}


def check_record(event: str, decision: str) -> None:
    """Raise `ValueError` where an event or a decision is not one of the listed."""
    if event not in AUDIT_EVENTS or decision not in AUDIT_DECISIONS:
        raise ValueError(f"undeclared audit record: {event} {decision}")

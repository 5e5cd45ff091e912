"""What the audit tells of: every decision about what may run, be sent, be spent, or steer the daemon.

A record is a row written in the transaction it guards, so that it is durable before the side effect; the
leader chains the rows and exports them to ``.swarm/audit.jsonl``. An event, a decision or a field that is not
listed here cannot be written: the lists are the documentation. A record names what was decided on by its
digest; it holds no prompt, no command, no secret and no token.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

#: Every event of the audit, with what was decided.
AUDIT_EVENTS: Final[dict[str, str]] = {
    "execution": "whether a command or a model call may run, on the exact bytes under `digest`",
    "decision": "a person answered a question, or its deadline passed and nobody had",
    "deadline": "a person gave an open question a deadline, or lifted it",
    "kill_switch": "the kill switch was set or cleared",
    "pause": "a person stopped the claiming of tasks, or let it go on",
    "capacity": "a person set how many workers run, or how many tasks each runs at once",
    "circuit_breaker": "the circuit breaker tripped, or a person reset it",
    "token": "swarm issued the execution token; `digest` is its SHA-256",
    "login_link": "a link was made that logs one browser in to the panel",
    "login": "somebody brought a login code to the panel, and whether it was good",
    "logout": "a browser logged out of the panel",
    "request": "a request was refused: who sent it may not, or what it asks for may not be done",
    "recovered": "the audit was torn, missing or not ours, or the database was rebuilt; what was done",
    "model_call": "a model call was let go, refused or booked; `cost_micros`: reserved, needed or booked",
    "budget": "a person let a limit have more money, or would not, or set or cleared the limit itself",
    "schedule": "a person let a schedule or a delayed task run now, skipped a time of it, or stopped it",
    "steering": "a person did one thing to many tasks at once: `action`, and to how many, `count`",
    "rollback": "a person had files of the workspace brought back to a checkpoint; how many, `count`",
    "sandbox": "what holds commands, as swarm found by trying it at its start",
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
    "overridden": "a person set a limit that counts in place of the settings'",
    "restored": "the settings' limit counts again",
    "broken_off": "it was let go and did not end; how far it came is not known",
}

#: Every field a record may have beside those that all have (`store.audit_log.record`).
AUDIT_FIELDS: Final[dict[str, str]] = {
    "added_micros": "micro-dollars a person added to a limit",
    "action": "what a person did to many tasks at once, or to a schedule or a delayed task: run, skip, stop",
    "answer": "the answer a person gave",
    "answered_by": "the model that answered a call, as its server names it",
    "budget": "the limit of money that is spoken of",
    "bytes": "size in bytes of what was taken out of the audit",
    "call": "id of the model call, the same in every record about it",
    "clock_back_s": "seconds by which the clock was set back since the record before",
    "code": "what was wrong with the audit, or with a model call, as a stable word",
    "count": "how many refusals of the same rule, or how many tasks, this record stands for",
    "deadline": "until when a question waits for its answer; `none`: for ever",
    "endpoint": "host of the model server",
    "file": "name of the file that keeps what was taken out of the audit",
    "finish_reason": "why a model's answer ended: stop, length, or the server's own word",
    "kind": "what kind of decision a person answered",
    "level": "the sandbox that was used",
    "limit_micros": "micro-dollars of a limit that a person set; missing: none",
    "max_tokens": "tokens a model's answer may have",
    "method": "method of the request that was refused",
    "model": "name of the model",
    "origin": "the page that sent it, as the browser said",
    "pace": "tasks a worker runs at once, as a person wants; missing: as the settings say",
    "path": "address of the request that was refused",
    "question": "id of the decision a person answered",
    "reason": "why, in a sentence",
    "response": "the provider's id of a model's answer",
    "temperature": "temperature of a model call, where one was asked for",
    "tokens": "tokens of the model call, read and written",
    "tokens_read": "of them read, where the server counted",
    "tokens_written": "of them written, where the server counted",
    "workers": "worker processes a person wants; missing: as the settings say",
}

#: Characters of a text in a record; what is longer is cut, so that nothing whole gets in by mistake.
LONGEST_TEXT: Final = 500


def check_record(event: str, decision: str, fields: Iterable[str] = ()) -> None:
    """Raise `ValueError` where an event, a decision or a field is not one of the listed."""
    unknown = sorted(set(fields) - AUDIT_FIELDS.keys())
    if event not in AUDIT_EVENTS or decision not in AUDIT_DECISIONS or unknown:
        raise ValueError(f"undeclared audit record: {event} {decision} {unknown}")


def bounded(value: Any) -> Any:
    """A value as a record may hold it."""
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"{value[: LONGEST_TEXT - 1]}…"
    return value

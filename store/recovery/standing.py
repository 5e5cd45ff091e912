"""Where a task stands: its state, what counts, the lease that fences, its end and what it last brought."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any, Final

Event = dict[str, Any]

PENDING: Final = "pending"  # blocked, delayed or ready: which of them is found out at the end
_STATE_OF_ROW: Final = {"blocked": PENDING, "delayed": PENDING, "ready": PENDING}
#: columns of a task that go to and fro as they are
_COLUMNS: Final = (
    "attempts",
    "interruptions",
    "rejections",
    "retries",
    "lease",
    "worker_id",
    "cancel_requested",
    "not_before",
    "feedback",
    "code",
    "reason",
    "result",
    "started",
    "finished",
)
ENDS: Final = frozenset({"approved", "failed", "safety_blocked", "cancelled"})


@dataclass(slots=True)
class Claimed:
    """One attempt, as far as events tell."""

    lease: int
    attempt: int
    worker_id: str
    claimed: float


@dataclass(slots=True)
class Ended:
    """What became of an attempt."""

    lease: int
    became: str
    findings: list[Any] | None
    moment: float


@dataclass(slots=True)
class Standing:
    """One task."""

    id: str
    #: its place in the store; none: only the log knows it
    seq: int | None = None
    #: its event of arrival, where the log has it
    queued: Event = field(default_factory=dict)
    created: float = 0.0
    state: str = PENDING
    attempts: int = 0
    interruptions: int = 0
    rejections: int = 0
    retries: int = 0
    lease: int = 0
    worker_id: str | None = None
    cancel_requested: int = 0
    not_before: float | None = None
    feedback: str | None = None
    code: str | None = None
    reason: str | None = None
    result: str | None = None
    started: float | None = None
    finished: float | None = None
    edited: bool = False
    retried: bool = False
    #: how it was split, where the log has it
    plan: Event | None = None
    #: the question that is open about it
    question: Event | None = None
    claims: list[Claimed] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)

    @property
    def is_ended(self) -> bool:
        """Whether it has ended."""
        return self.state in ENDS

    def end_attempts(self, moment: float) -> None:
        """Say of attempts whose end nobody knows that they were cut off."""
        over = {each.lease for each in self.ends}
        left = [each.lease for each in self.claims if each.lease not in over]
        self.ends += [Ended(lease, "interrupted", None, moment) for lease in left]

    @classmethod
    def of_row(cls, row: sqlite3.Row) -> Standing:
        """Where a task stood in the backup."""
        state = _STATE_OF_ROW.get(row["state"], row["state"])
        values = {name: row[name] for name in (*_COLUMNS, "created")}
        return cls(row["id"], row["seq"], state=state, **values)

    def columns(self) -> dict[str, Any]:
        """The values of ``put_standing``, but for the place."""
        state = "ready" if self.state == PENDING else self.state
        return {"state": state} | {name: getattr(self, name) for name in _COLUMNS}

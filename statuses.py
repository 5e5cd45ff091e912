"""Where a task can stand, what the words of a queue file mean for that, and which way leads where."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from errors import TransitionNotAllowed


class Status(StrEnum):
    """Where a task stands, as every face shows it."""

    #: Accepted, not started: blocked, delayed, held or ready all read so.
    PENDING = "pending"
    #: Claimed by a worker that holds its lease.
    IN_PROGRESS = "in_progress"
    #: Ran, and is being judged or waits for a person.
    PENDING_REVIEW = "pending_review"
    #: Judged good. Dependants may start.
    APPROVED = "approved"
    #: Ended without an accepted result.
    FAILED = "failed"
    #: Refused by the safety gateway; never ran.
    SAFETY_BLOCKED = "safety_blocked"
    #: Withdrawn by a person.
    CANCELLED = "cancelled"


#: What each word found in a queue file's ``status`` means for a task's life.
STATUS_READINGS: Final[dict[str, Status]] = {status.value: status for status in Status} | {
    "queued": Status.PENDING,
    "requeue": Status.PENDING,
    "subtask_started": Status.IN_PROGRESS,
    "completed": Status.PENDING_REVIEW,
    "subtask_completed": Status.PENDING_REVIEW,
    "needs_qa": Status.APPROVED,
    "needs_integration": Status.APPROVED,
    "needs_e2e": Status.APPROVED,
    "ready_for_merge": Status.APPROVED,
    "subtask_failed": Status.FAILED,
}

#: Words by which other programs say that a task is done. Of one that is new here they mean what ``approved``
#: does: it has run, its result is not here to be judged, and it does not run again.
DONE_ELSEWHERE: Final = frozenset({"completed", "subtask_completed"})

#: From each status, where a task may go. ``pending`` from a later status is a requeue or a retry.
ALLOWED_TRANSITIONS: Final[dict[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.IN_PROGRESS, Status.FAILED, Status.CANCELLED}),
    Status.IN_PROGRESS: frozenset(
        {Status.PENDING, Status.PENDING_REVIEW, Status.FAILED, Status.SAFETY_BLOCKED, Status.CANCELLED}
    ),
    Status.PENDING_REVIEW: frozenset({Status.PENDING, Status.APPROVED, Status.FAILED, Status.CANCELLED}),
    Status.APPROVED: frozenset(),
    Status.FAILED: frozenset({Status.PENDING}),
    Status.SAFETY_BLOCKED: frozenset({Status.PENDING}),
    Status.CANCELLED: frozenset({Status.PENDING}),
}
#: Statuses a task stays in until a person acts.
ENDED: Final = frozenset({Status.APPROVED, Status.FAILED, Status.SAFETY_BLOCKED, Status.CANCELLED})


def check_transition(before: Status, after: Status, task: str = "A task") -> None:
    """Raise `TransitionNotAllowed`, which names the `task`, unless it may go from `before` to `after`."""
    if after not in ALLOWED_TRANSITIONS[before]:
        raise TransitionNotAllowed(f"{task} cannot go from {before} to {after}.")

"""Questions to a person: asked once, answered once, the first answer wins.

A decision binds to the SHA-256 of the exact bytes it shows. What an answer does is not known here: whoever
asks about a kind also acts on its answer, in the transaction that records it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Final

from clock import to_local_text, to_rfc3339
from errors import AlreadyAnswered, InvalidRequest, LeaseLost, NotFound, TransitionNotAllowed
from store.records import Question, TaskRef
from store.transaction import Transaction, dump

#: Seconds that a question waits for its answer, kept by the leader for all who ask; not there: for ever.
DEADLINE_S: Final = "decision_deadline_s"
#: What stands as the answer to a question that nobody answered in time, and to one that nobody waits for.
EXPIRED: Final = "expired"
WITHDRAWN: Final = "withdrawn"


def ask(
    tx: Transaction,
    question: Question,
    row: sqlite3.Row | None = None,
    status: str | None = "pending_review",
    deadline: float | None = None,
) -> str:
    """Put up a question, about a task where one is given, whose status is `status` then. Returns its id.

    `deadline`: until when it waits for an answer, Unix seconds; none: as the home says.
    """
    payload = dump(question.payload)
    digest = hashlib.sha256(payload.encode()).hexdigest()
    deadline = _deadline(tx) if deadline is None else deadline
    about = "" if row is None else f"{row['id']}/{row['lease']}/"
    decision = f"{question.kind}-{hashlib.sha256(f'{about}{digest}{tx.now}'.encode()).hexdigest()[:10]}"
    tx.run(
        "insert_decision",
        id=decision,
        kind=question.kind,
        task=None if row is None else row["seq"],
        question=question.question,
        digest=digest,
        payload=payload,
        options=dump(list(question.options)),
        now=tx.now,
        deadline=deadline,
    )
    tx.emit(
        "decision.asked",
        task_id=None if row is None else row["id"],
        status=None if row is None else status,
        decision=decision,
        kind=question.kind,
        question=question.question,
        options=list(question.options),
        digest=digest,
        deadline=None if deadline is None else to_rfc3339(deadline),
    )
    if row is not None:
        tx.mark_dirty(row["seq"])
    return decision


def _deadline(tx: Transaction) -> float | None:
    """Until when a question that is asked now waits; none: for ever."""
    seconds = tx.meta(DEADLINE_S)
    return None if seconds is None else tx.now + float(seconds)


def answer(
    tx: Transaction, decision: str, choice: str, by: str, comment: str | None, digest: str | None = None
) -> sqlite3.Row:
    """Record the answer and return the decision.

    `digest` is that of the bytes the person saw, where the face that asked tells it; an answer to others is
    refused. Raises `NotFound`, `AlreadyAnswered`, `InvalidRequest`, `TransitionNotAllowed`.
    """
    row = tx.one("get_decision", id=decision)
    if row is None:
        raise NotFound(f"There is no decision {decision!r}.")
    if digest not in {None, row["digest"]}:
        raise TransitionNotAllowed(f"{decision} does not ask about what was shown. Look at it again.")
    options = json.loads(row["options"])
    if choice not in options:
        raise InvalidRequest(
            f"{choice!r} is not an answer to {decision}; choose one of {', '.join(options)}."
        )
    if (
        tx.run("answer_decision", id=decision, answer=choice, by=by, comment=comment, now=tx.now).rowcount
        == 0
    ):
        raise AlreadyAnswered(_why_closed(row), task_id=row["task_id"])
    tx.audit(
        "decision",
        "recorded",
        actor=by,
        task_id=row["task_id"],
        digest=row["digest"],
        question=decision,
        kind=row["kind"],
        answer=choice,
    )
    tx.emit(
        "decision.answered",
        task_id=row["task_id"],
        decision=decision,
        kind=row["kind"],
        answer=choice,
        answered_by=by,
        comment=comment,
        digest=row["digest"],
    )
    return row


def open_one(tx: Transaction, decision: str) -> sqlite3.Row:
    """A question that waits for its answer. Raises `NotFound`, `AlreadyAnswered`."""
    row = tx.one("get_decision", id=decision)
    if row is None:
        raise NotFound(f"There is no decision {decision!r}.")
    if row["answer"] is not None:
        raise AlreadyAnswered(_why_closed(row), task_id=row["task_id"])
    return row


def _why_closed(row: sqlite3.Row) -> str:
    """Why an answer comes too late, and what can be done about it."""
    task = row["task_id"]
    about = f"The question {row['id']}" if task is None else f"The question about task {task}"
    if row["answer"] == EXPIRED:
        told = f"{about} waited for an answer until {to_local_text(row['deadline'])}, and got none"
        return f"{told}. `skep retry {task}` tries the task again, and asks anew."
    if row["answer"] == WITHDRAWN:
        told = f"{about} is closed: nobody waits for its answer any more"
    else:
        told = f"{about} was answered {row['answer']!r} by {row['answered_by']}"
    return f"{told}." if task is None else f"{told}. `skep show {task}` tells how it stands."


def withdraw(tx: Transaction, task_id: str, by: str) -> None:
    """Close the open question about a task that no longer waits for it."""
    row = tx.one("open_decision_of", id=task_id)
    if row is not None:
        withdraw_one(tx, row, by)


def withdraw_kind(tx: Transaction, kind: str, by: str) -> None:
    """Close the open question of a kind that has no task, where there is one."""
    row = tx.one("open_decision_of_kind", kind=kind)
    if row is not None:
        withdraw_one(tx, row, by)


def withdraw_one(tx: Transaction, row: sqlite3.Row, by: str) -> None:
    """Close an open question that nobody waits for any more."""
    _close(tx, row, WITHDRAWN, by)


def expire(tx: Transaction, row: sqlite3.Row, by: str) -> None:
    """Close an open question that nobody answered in time; that is put on record as an answer is."""
    tx.audit(
        "decision",
        "recorded",
        actor=by,
        task_id=row["task_id"],
        digest=row["digest"],
        question=row["id"],
        kind=row["kind"],
        answer=EXPIRED,
    )
    _close(tx, row, EXPIRED, by)


def _close(tx: Transaction, row: sqlite3.Row, answer: str, by: str) -> None:
    tx.run("answer_decision", id=row["id"], answer=answer, by=by, comment=None, now=tx.now)
    tx.emit(
        "decision.answered",
        task_id=row["task_id"],
        decision=row["id"],
        kind=row["kind"],
        answer=answer,
        answered_by=by,
    )


def lease_lost(ref: TaskRef) -> LeaseLost:
    """The error for a lease the store does not hold."""
    return LeaseLost(f"The store does not hold lease {ref.lease} of task {ref.id!r}.", task_id=ref.id)

"""Until when decisions wait for a person, and what follows when nobody answers: never what a yes would do.

A task that waits for the word ends as failed, and what waits for it with it. A question that holds something
else (a removal, a rebuilt store, a tripped breaker, a limit, proposed tasks) goes on holding it, overdue.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from clock import to_local_text, to_rfc3339
from run_contract import asking
from runtime_contract import Status
from store import agreements, decisions, plan_review, recording, steering
from store.deadline_text import NONE
from store.records import STATUS_OF_STATE
from store.transaction import Transaction

#: Who has answered where the deadline did.
BY: Final = "deadline"
#: The code of a task that failed because nobody answered in time.
CODE: Final = "decision_expired"
#: Questions looked at in one transaction.
TOGETHER: Final = 100

#: What became of what was asked, by the kinds of decision that end their task.
_ENDS_TASK: Final = {
    "review": "its result does not count",
    "interrupted": "what its interrupted attempt did is not known",
    agreements.KIND: "its command did not run",
    plan_review.KIND: "its plan was not entered",
    asking.KIND: "its question has no answer",
}


def ends_task(kind: str) -> bool:
    """Whether the task that such a question is about fails when nobody answers in time."""
    return kind in _ENDS_TASK


def apply(tx: Transaction, seconds: float) -> None:
    """Let questions that are asked from now on wait so long; 0: for ever."""
    wanted = str(seconds) if seconds else None
    if tx.meta(decisions.DEADLINE_S) == wanted:
        return
    if wanted is None:
        tx.run("delete_meta", key=decisions.DEADLINE_S)
    else:
        tx.set_meta(decisions.DEADLINE_S, wanted)


def put(tx: Transaction, decision: str, until: float | None, by: str) -> str:
    """Let an open question wait until then, Unix seconds, or for ever with none; what follows is as ever.

    One that is overdue is so no longer. Raises `NotFound`, `AlreadyAnswered`.
    """
    row = decisions.open_one(tx, decision)
    tx.run("put_decision_deadline", id=decision, deadline=until)
    told = None if until is None else to_rfc3339(until)
    about = {"task_id": row["task_id"], "kind": row["kind"]}
    tx.audit(
        "deadline",
        "recorded",
        actor=by,
        digest=row["digest"],
        question=decision,
        deadline=told or NONE,
        **about,
    )
    tx.emit("decision.deadline", decision=decision, deadline=told, source=by, **about)
    if row["task"] is not None:
        tx.mark_dirty(row["task"])
    name = decision if row["task_id"] is None else f"The question about {row['task_id']}"
    if until is None:
        return f"{name} waits for its answer for ever."
    follows = "its task fails" if ends_task(row["kind"]) else "it is overdue"
    return f"{name} waits for its answer until {to_local_text(until)}; without one {follows}."


def look(tx: Transaction) -> int:
    """Do what follows for questions whose deadline has passed, once for each; how many were looked at."""
    passed = tx.all("decisions_past_deadline", now=tx.now, limit=TOGETHER)
    for row in passed:
        if row["kind"] not in _ENDS_TASK or row["task_id"] is None:
            _note_overdue(tx, row)
        elif _is_open(tx, row):
            _end_task(tx, row)
    return len(passed)


def _is_open(tx: Transaction, row: sqlite3.Row) -> bool:
    """Whether it is still asked: the end of one task may end another, and withdraw what was asked of it."""
    now = tx.one("get_decision", id=row["id"])
    return now is not None and now["answer"] is None


def _end_task(tx: Transaction, row: sqlite3.Row) -> None:
    task = steering.find(tx, row["task_id"])
    if STATUS_OF_STATE[task["state"]] is not Status.PENDING_REVIEW:
        decisions.withdraw_one(tx, row, BY)
        return
    decisions.expire(tx, row, BY)
    reason = (
        f"nobody answered by {to_local_text(row['deadline'])}: {_ENDS_TASK[row['kind']]}. "
        f"`skep retry {row['task_id']}` tries again"
    )
    code = "timeout" if row["kind"] == asking.KIND else CODE
    recording.fail(tx, task, code, reason, reviewer=BY)


def _note_overdue(tx: Transaction, row: sqlite3.Row) -> None:
    tx.run("note_overdue", id=row["id"])
    tx.audit(
        "decision",
        "recorded",
        actor=BY,
        task_id=row["task_id"],
        digest=row["digest"],
        question=row["id"],
        kind=row["kind"],
        answer="overdue",
    )
    tx.emit(
        "decision.overdue",
        task_id=row["task_id"],
        decision=row["id"],
        kind=row["kind"],
        question=row["question"],
    )

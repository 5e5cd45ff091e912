"""Questions of runs to a person: asked when their turn comes, answered once, and the answer is the task's.

Nothing runs for them and nothing is paid. Whoever answers first gives the output that dependants are told;
a question that is refused, or that nobody answers in time, fails its task as a failed task does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from errors import InvalidRequest
from run_contract import asking
from runtime_contract import Status
from store import claims, decisions, ending, recording
from store.records import Question, TaskRef
from store.transaction import Transaction

#: What holds the task, in the history.
REASON = "a person is to answer its question"


def ask(
    tx: Transaction, ref: TaskRef, text: str, choices: Sequence[str], timeout_s: float | None = None
) -> bool:
    """Put the question of a claimed task up; false where the claim is no longer ours.

    `timeout_s`: seconds until it must be answered; none: as the home says.
    """
    row = claims.held(tx, ref, "a question")
    if row is None or recording.end_withdrawn(tx, row):
        return False
    recording.end_attempt(tx, row, "held")
    held = tx.one("to_person", seq=row["seq"])
    tx.emit("task.held", task_id=ref.id, status="pending_review", worker_id=row["worker_id"], reason=REASON)
    question = Question(
        kind=asking.KIND,
        question=asking.title(ref.id, text),
        options=asking.options(choices),
        payload={"task": ref.id, "question": text},
    )
    decisions.ask(tx, question, held, deadline=None if timeout_s is None else tx.now + timeout_s)
    return True


def answered(tx: Transaction, row: sqlite3.Row, choice: str, by: str, comment: str | None) -> str:
    """Let a person's answer be that of the task; a sentence about it.

    Raises `InvalidRequest` where the answer is to be in their own words and there are none, or too many.
    """
    if choice == asking.REFUSE:
        said = f": {comment}" if comment else ""
        recording.fail(tx, row, asking.DENIED, f"{by} refused the question{said}", reviewer=by)
        return f"The question of {row['id']} is refused: it failed."
    text = _words(row["id"], comment) if choice == asking.ANSWER else choice
    result = {"result": text[:200], "output": text, "output_bytes": len(text.encode("utf-8", "replace"))}
    recording.end_attempt(tx, row, "approved")
    ending.end_task(
        tx, row, Status.APPROVED, reason=f"answered by {by}", result=result, reviewer=by, comment=comment
    )
    return f"{row['id']} is answered."


def _words(task_id: str, comment: str | None) -> str:
    if comment is None or not comment.strip():
        raise InvalidRequest(
            f"{task_id} asks for an answer in your own words: say it as the comment, "
            f"such as `skep approve {task_id} --comment ...`."
        )
    if len(comment) > asking.MOST_CHARS:
        raise InvalidRequest(
            f"An answer has at most {asking.MOST_CHARS:,} characters; this has {len(comment):,}."
        )
    return comment

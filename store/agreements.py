"""A person's leave for a command: asked before it runs, bound to its exact bytes, looked at again each time.

What runs is named by a digest of its arguments, the variables it gets and its rights. The newest answer about
a task counts, and only for the digest that was shown: a change of the task, of its profile or of the rules
makes another digest, and so another question.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from store import claims, decisions, recording
from store.records import Question, TaskRef
from store.transaction import Transaction

#: The kind of these decisions, and what may be answered.
KIND: Final = "execution"
OPTIONS: Final = ("run", "refuse")


def is_agreed(last: sqlite3.Row | None, digest: str) -> bool:
    """Whether the newest answer about a task (``last_agreement``) lets this digest run."""
    if last is None or last["answer"] != OPTIONS[0]:
        return False
    agreed: Any = json.loads(last["payload"]).get("approved")
    return bool(agreed == digest)


def hold(
    tx: Transaction,
    ref: TaskRef,
    question: Question,
    reason: str = "a person must agree to this command before it runs",
) -> bool:
    """A claimed task waits for a person's leave. Nothing has run, so the attempt does not count."""
    row = claims.held(tx, ref, "a question")
    if row is None or recording.end_withdrawn(tx, row) or recording.end_with_its_parent(tx, row):
        return False
    recording.end_attempt(tx, row, "held")
    held = tx.one("to_person", seq=row["seq"])
    tx.emit(
        "task.held",
        task_id=ref.id,
        status="pending_review",
        worker_id=row["worker_id"],
        attempt=row["attempts"],
        reason=reason,
    )
    decisions.ask(tx, question, held)
    return True

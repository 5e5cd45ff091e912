"""What people are asked about a run, over HTTP; answers to its own questions can be passed on.

Whatever else waits for a person, a command that may run, a result to review, more money, is told and cannot
be answered here: the token lets programs ask for work, and whoever asks for work is not who agrees to it.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Annotated, Any, Final

from pydantic import Field, StrictStr

from clock import to_rfc3339
from errors import AlreadyAnswered, NotAllowed, NotFound
from redaction import clean, clean_value
from run_contract import asking
from run_contract.policy import Section
from store.answering import Answer
from store.reading import Reader
from store.sqlite_store import SqliteStore

#: Decisions that are told of one run.
MOST: Final = 1_000


class AnswerRequest(Section):
    """What a person answered to a question of a run."""

    #: one of its options; `answer` where it is answered in words
    answer: Annotated[StrictStr, Field(min_length=1, max_length=200)]
    #: the words, or a remark
    comment: Annotated[StrictStr, Field(max_length=asking.MOST_CHARS)] | None = None
    #: of the bytes that were shown, as `digest` of the decision tells it
    digest: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


def listed(reader: Reader, run: sqlite3.Row) -> dict[str, Any]:
    """Everything that people are or were asked about a run and those within it, oldest first."""
    rows = reader.all("run_decisions", run=run["seq"], called=run["id"], limit=MOST)
    return {"decisions": [told(row, row["run_id"]) for row in rows]}


def told(row: sqlite3.Row, run_id: str) -> dict[str, Any]:
    """A decision about a run, without secrets."""
    is_ask = row["kind"] == asking.KIND
    return {
        "id": row["id"],
        "kind": row["kind"],
        "run": run_id,
        "task": None if row["task_id"] is None else row["task_id"].partition(":")[2],
        "question": clean(json.loads(row["payload"])["question"] if is_ask else row["question"]),
        "options": clean_value(json.loads(row["options"])),
        "digest": row["digest"],
        "can_be_answered": is_ask and row["answer"] is None,
        "asked_at": to_rfc3339(row["asked"]),
        "answer_by": None if row["deadline"] is None else to_rfc3339(row["deadline"]),
        "answer": row["answer"],
        "answered_at": None if row["answered"] is None else to_rfc3339(row["answered"]),
        "answered_by": row["answered_by"],
        "comment": None if row["comment"] is None else clean(row["comment"]),
    }


def answer(store: SqliteStore, run_id: str, decision: str, given: AnswerRequest, by: str) -> dict[str, Any]:
    """Answer a question of a run, or of one within it; the same answer again is told as the first time.

    Raises `NotFound`, `NotAllowed` for a decision of another kind, `AlreadyAnswered`, `InvalidRequest`,
    `TransitionNotAllowed` where something else was shown.
    """
    row = _of_run(store.reader, run_id, decision)
    if row["kind"] != asking.KIND:
        raise NotAllowed(
            f"{decision} is a {row['kind']} and is answered by a person, in the panel or with `skep approve`."
        )
    try:
        store.answer(Answer(decision, given.answer, by, given.comment, digest=given.digest))
    except AlreadyAnswered:
        known = _of_run(store.reader, run_id, decision)
        if (known["answer"], known["comment"]) != (given.answer, given.comment):
            raise
    row = _of_run(store.reader, run_id, decision)
    return told(row, row["task_id"].partition(":")[0])


def _of_run(reader: Reader, run_id: str, decision: str) -> sqlite3.Row:
    row = reader.one("get_decision", id=decision)
    own = None if row is None else _run_of(row)
    if row is None or own is None or reader.one("run_is_within", inner=own, outer=run_id) is None:
        raise NotFound(f"The run {run_id[:200]!r} has no decision {decision[:200]!r}.")
    return row


def _run_of(row: sqlite3.Row) -> str | None:
    """The run that a decision is about: that of its task, or of the budget; none where it is about no run."""
    if row["task_id"] is not None:
        return str(row["task_id"].partition(":")[0])
    limit = str(json.loads(row["payload"]).get("limit", "")) if row["kind"] == "budget" else ""
    scope, _, name = limit.partition(":")
    return name.partition(":")[0] if scope in {"run", "subtree"} else None

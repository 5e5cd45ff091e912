"""A person's word on a plan before it is entered: asked once for one ask, bound to the exact subtasks shown.

What is entered on a yes are the documents of the payload, byte for byte. A no lets the task run as one, and
that stands for as long as the task asks for the same; an edit of its words is planned and asked anew.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from errors import TransitionNotAllowed
from store import agreements, intake, planning
from store.lanes import ConcurrencyLimits
from store.reading import Reader
from store.records import NewTask, Question, TaskRef, digest_of_ask, parse_document, task_of
from store.transaction import Transaction

#: The kind of these decisions, and what may be answered.
KIND: Final = "plan"
OPTIONS: Final = ("split", "whole")


def hold(tx: Transaction, ref: TaskRef, question: Question) -> bool:
    """A claimed task waits for a person's word on its plan. Nothing has run, so no attempt is spent."""
    reason = "a person is to see the plan before it is entered (plan_review)"
    return agreements.hold(tx, ref, question, reason)


def is_whole(reader: Reader, seq: int, asked: str) -> bool:
    """Whether the newest answer about a task's plan lets it run as one; `asked`: digest of what it asks."""
    last = reader.one("last_plan_answer", task=seq)
    if last is None or last["answer"] != OPTIONS[1]:
        return False
    return bool(json.loads(last["payload"]).get("asked") == asked)


def enter(tx: Transaction, row: sqlite3.Row, payload: dict[str, Any]) -> int:
    """Split a task that waits for this word, as the payload says; the number of its subtasks.

    Raises `TransitionNotAllowed` where the task or the queue is no longer what the plan was made for.
    """
    if payload["asked"] != digest_of_ask(task_of(row["doc"], row["id"])):
        raise TransitionNotAllowed(
            f"{row['id']} was edited after this plan was made; it is not what the words there now ask for. "
            f"`skep reject {row['id']}` sends it back, and it is planned anew."
        )
    documents = payload["subtasks"]
    ids = [document["id"] for document in documents]
    taken = intake.states_of(tx, ids)
    if taken:
        raise TransitionNotAllowed(
            f"A task {min(taken)!r} has come into the queue since this plan was made. "
            f"`skep reject {row['id']}` lets {row['id']} run as one."
        )
    tasks = [NewTask(parse_document(document, document["id"]), document) for document in documents]
    told = payload["plan"]
    plan = planning.NewPlan(
        lambda _: tasks, iter([ids]), told["intent"], told["score"], told["features"], told["reason"]
    )
    planning.enter_parts(tx, row, plan, ids, ConcurrencyLimits(), uncounted=0)
    return len(ids)

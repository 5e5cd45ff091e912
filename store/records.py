"""The rows of the store as the other rooms see them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from runtime_contract import Status, Task, read_task
from store import lanes

#: The status every face shows for a state of the store.
STATUS_OF_STATE: dict[str, Status] = {
    "blocked": Status.PENDING,
    "delayed": Status.PENDING,
    "ready": Status.PENDING,
    "running": Status.IN_PROGRESS,
    "review": Status.PENDING_REVIEW,
    "approved": Status.APPROVED,
    "failed": Status.FAILED,
    "safety_blocked": Status.SAFETY_BLOCKED,
    "cancelled": Status.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that passed the contract and is to be entered."""

    task: Task
    #: the user's keys in their order, canonical names, with the id
    doc: dict[str, Any]
    #: the part of its lane that its run asks for (`lanes.run_part`)
    lane_part: str = ""


@dataclass(frozen=True, slots=True)
class RefusedTask:
    """An entry that broke the contract and is to be entered as failed."""

    id: str
    #: path of the field, and the rule
    reason: str
    path: str
    #: what was written, as JSON text or raw text
    raw: str
    code: str = "invalid_task"


@dataclass(frozen=True, slots=True)
class EndedTask:
    """A task found among the ended ones of a file this home has never seen."""

    id: str
    status: Status
    doc: dict[str, Any]


@dataclass(slots=True)
class Intake:
    """What one file, call or schedule brings in."""

    new: list[NewTask] = field(default_factory=list)
    refused: list[RefusedTask] = field(default_factory=list)
    ended: list[EndedTask] = field(default_factory=list)
    #: ids already known, not taken again
    duplicates: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TaskRef:
    """A task under one lease: what every result and heartbeat must name."""

    id: str
    lease: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that is ours to run."""

    seq: int
    ref: TaskRef
    task: Task
    #: which counted attempt this is, from 1
    attempt: int
    interruptions: int
    rejections: int
    #: tries in a row that did not count
    retries: int
    #: findings of earlier attempts, for the prompt
    feedback: list[str]
    #: whether it was split, so that what is left to do is to put the answers together
    is_planned: bool = False
    #: id of the task it is a part of
    plan_parent: str | None = None
    #: whether a person or another run does it
    is_ask: bool = False

    @property
    def id(self) -> str:
        """The task's id."""
        return self.ref.id

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Claim:
        """The claim of a task row."""
        return cls(
            seq=row["seq"],
            ref=TaskRef(row["id"], row["lease"]),
            task=task_of(row["doc"], row["id"]),
            attempt=row["attempts"],
            interruptions=row["interruptions"],
            rejections=row["rejections"],
            retries=row["retries"],
            feedback=json.loads(row["feedback"]) if row["feedback"] else [],
            is_planned=bool(row["planned"]),
            plan_parent=row["plan_parent"],
            is_ask=lanes.is_ask(row["lane"]),
        )


def digest_of_ask(task: Task) -> str:
    """SHA-256 of what a task asks to be done; an edit of anything else leaves it as it is."""
    asked = [task.mode, task.prompt, task.command, task.argv, task.profile]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: the inbox of decisions is made of these."""

    kind: str
    question: str
    options: tuple[str, ...]
    #: the exact bytes decided on
    payload: dict[str, Any]


def task_of(doc: str, task_id: str) -> Task:
    """The task a stored document describes; it was validated when it was stored."""
    return parse_document(json.loads(doc), task_id)


def parse_document(document: dict[str, Any], task_id: str) -> Task:
    """The task of a document whose values were checked before."""
    return read_task({**document, "id": task_id}, "task")

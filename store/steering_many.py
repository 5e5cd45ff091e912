"""Steering many tasks at once: each for itself, a few in one commit, so that the worker never waits for long.

What cannot be done to one task is told of that one and keeps none of the others. Of the questions that wait
for a person only reviews of results are answered so: whoever says yes to many at once has not read the exact
bytes that a command, a plan or more money would be agreed to by.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Literal, get_args

from attempts import AttemptPolicy
from errors import SkepError, StoreError, TransitionNotAllowed
from runtime_contract import ENDED
from store import answering, steering
from store.queue_file.apply import Rules, edit_task
from store.records import STATUS_OF_STATE
from store.transaction import Transaction
from store.writer import Writer

Action = Literal["approve", "retry", "cancel", "priority"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
#: Tasks of one commit: about 10 ms of the writing lock.
TOGETHER: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """What is done to each task."""

    action: Action
    by: str
    #: the new priority, of ``priority``
    priority: int = 0
    #: why, of ``cancel``
    reason: str | None = None
    #: the question that was shown about each task; only that one is answered
    decisions: Mapping[str, str] | None = None
    #: only questions that were there at this moment are answered, Unix seconds
    as_of: float | None = None


@dataclass(frozen=True, slots=True)
class Steered:
    """What came of one task."""

    id: str
    ok: bool
    #: a sentence
    message: str
    #: what kept it, as a stable word
    code: str | None = None


def steer_many(
    writer: Writer, ids: Iterable[str], wanted: Steering, policy: AttemptPolicy, rules: Rules
) -> list[Steered]:
    """Steer tasks, in this order; what came of each. Raises `StoreError` where the store fails."""
    left, told = list(dict.fromkeys(ids)), []
    if left:
        count = len(left)
        writer.run(
            lambda tx: tx.audit("steering", "recorded", actor=wanted.by, action=wanted.action, count=count)
        )
    while left:
        some, left = left[:TOGETHER], left[TOGETHER:]
        asked = [(task_id, writer.submit(_work(task_id, wanted, policy, rules))) for task_id in some]
        told += [_told(task_id, future) for task_id, future in asked]
    return told


def _work(
    task_id: str, wanted: Steering, policy: AttemptPolicy, rules: Rules
) -> Callable[[Transaction], str]:
    def work(tx: Transaction) -> str:
        match wanted.action:
            case "approve":
                return _approve(tx, task_id, wanted, policy)
            case "retry":
                steering.retry(tx, task_id, wanted.by)
                return f"{task_id} is back in the queue."
            case "cancel":
                became = steering.cancel(tx, task_id, wanted.by, wanted.reason)
                return f"{task_id} is {'being stopped' if became == 'stopping' else 'cancelled'}."
            case "priority":
                return set_priority(tx, task_id, wanted.priority, wanted.by, rules)

    return work


def _told(task_id: str, future: Future[str]) -> Steered:
    try:
        return Steered(task_id, True, future.result())
    except StoreError:
        raise
    except SkepError as error:
        return Steered(task_id, False, error.message, error.code)


def _approve(tx: Transaction, task_id: str, wanted: Steering, policy: AttemptPolicy) -> str:
    asked = tx.one("open_decision_of", id=task_id)
    if asked is None:
        status = STATUS_OF_STATE[steering.find(tx, task_id)["state"]]
        raise TransitionNotAllowed(f"{task_id} is {status}; it does not wait for a decision.")
    if asked["kind"] != "review":
        raise TransitionNotAllowed(f"{task_id} asks for more than a look at its result; answer it by itself.")
    shown = None if wanted.decisions is None else wanted.decisions.get(task_id, "")
    is_newer = wanted.as_of is not None and asked["asked"] > wanted.as_of
    if is_newer or shown not in {None, asked["id"]}:
        raise TransitionNotAllowed(
            f"{task_id} asks another question than the one that was shown; look again."
        )
    return answering.answer(tx, answering.Answer(asked["id"], "approve", wanted.by), policy)


def set_priority(tx: Transaction, task_id: str, priority: int, by: str, rules: Rules) -> str:
    """Give a task another priority; the sentence that says so.

    Raises `NotFound`, `TransitionNotAllowed` for a task that has ended, `InvalidTask` for a number out of
    bounds.
    """
    row = steering.find(tx, task_id)
    status = STATUS_OF_STATE[row["state"]]
    if status in ENDED:
        raise TransitionNotAllowed(f"{task_id} is {status}; its priority would have no effect.")
    if row["priority"] != priority:
        edit_task(tx, task_id, row["version"], {**json.loads(row["doc"]), "priority": priority}, by, rules)
    return f"{task_id} has priority {priority}."

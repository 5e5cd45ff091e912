"""Entering a plan: the subtasks of a claimed task, and the task itself back to waiting for them, in one step.

Half a plan can never be seen: before the transaction the task is claimed and has no parts, after it the parts
are in the queue and the task waits for them. Whoever claims it again finds it planned and plans nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from faults import fault_point
from store import claims, intake, recording
from store.lanes import ConcurrencyLimits
from store.reading import Reader
from store.records import Claim, Intake, NewTask, task_of
from store.transaction import Transaction, dump

#: Where subtasks come from, as their `source` tells it.
SOURCE = "plan"


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A plan that is to be entered."""

    #: the tasks, for ids that nobody has
    make: Callable[[Sequence[str]], list[NewTask]]
    #: lists of as many ids as there are tasks, in the order they are to be tried
    ids: Iterator[list[str]]
    #: goal, deliverables, constraints, ..., as read from the task's words
    intent: dict[str, Any]
    score: int
    features: Sequence[str]
    #: why it is split, for a person
    reason: str


def enter_plan(tx: Transaction, claim: Claim, plan: NewPlan, limits: ConcurrencyLimits) -> bool:
    """Split a claimed task; false, and nothing is split, where the claim or the words are no longer so."""
    row = claims.held(tx, claim.ref, "a plan")
    if row is None or recording.end_withdrawn(tx, row) or recording.end_with_its_parent(tx, row):
        return False
    if json.loads(row["doc"]).get("prompt") != claim.task.prompt:
        recording.requeue(tx, row, "its prompt was edited while it was planned", counts=False)
        return False
    ids = next(each for each in plan.ids if not intake.states_of(tx, each))
    recording.end_attempt(tx, row, "planned")
    enter_parts(tx, row, plan, ids, limits, uncounted=1)
    fault_point("plan.before_commit")
    return True


def enter_parts(
    tx: Transaction,
    row: sqlite3.Row,
    plan: NewPlan,
    ids: Sequence[str],
    limits: ConcurrencyLimits,
    *,
    uncounted: int,
) -> None:
    """Enter a plan's tasks, and have theirs wait for them. `uncounted`: 1 where its claim still counts."""
    intake.enter_unknown(tx, Intake(plan.make(ids)), SOURCE, limits)
    _relate(tx, row["seq"], row["id"], ids)
    tx.run(
        "insert_plan",
        task=row["seq"],
        intent=dump(plan.intent),
        score=plan.score,
        features=dump(list(plan.features)),
        now=tx.now,
    )
    open_ones = sum(parent["state"] != "approved" for parent in tx.all("parents_of", child=row["seq"]))
    tx.run("plan_task", seq=row["seq"], waiting_on=open_ones, uncounted=uncounted)
    if open_ones > len(ids):  # an edit while it ran gave it something else to wait for
        intake.settle_dependencies(tx, [task_of(row["doc"], row["id"])], reaches_older=True)
    _tell(tx, row, ids, plan)
    tx.mark_dirty(row["seq"])


def _relate(tx: Transaction, seq: int, parent: str, ids: Sequence[str]) -> None:
    """Make tasks the parts of another, which waits for them."""
    tx.run("make_subtasks", parent=parent, ids=dump(list(ids)))
    tx.run("insert_plan_edges", seq=seq, parent=parent)


def _tell(tx: Transaction, row: sqlite3.Row, ids: Sequence[str], plan: NewPlan) -> None:
    tx.emit(
        "task.planned",
        task_id=row["id"],
        status="queued",
        worker_id=row["worker_id"],
        attempt=row["attempts"] or None,
        lease=row["lease"],
        reason=plan.reason,
        phase4_plan_generated=True,
        phase4_complexity_score=plan.score,
        phase4_features=list(plan.features),
        phase4_subtasks=list(ids),
        phase4_subtasks_added=len(ids),
        phase4_intent=plan.intent,
    )


def tell_drift(tx: Transaction, row: sqlite3.Row, drift: list[str]) -> None:
    """A result differs from the intent of the whole; that is noted, whatever the critics say of it."""
    tx.emit(
        "task.drifted",
        task_id=row["id"],
        worker_id=row["worker_id"],
        attempt=row["attempts"],
        drift=drift,
    )


def restore_plan(tx: Transaction, seq: int, parent: str, told: dict[str, Any]) -> None:
    """Enter a plan that the history tells of, in a store that has forgotten it."""
    ids = [each for each in told.get("phase4_subtasks") or [] if isinstance(each, str)]
    _relate(tx, seq, parent, ids)
    tx.run("mark_planned", seq=seq)
    score = told.get("phase4_complexity_score")
    tx.run(
        "insert_plan",
        task=seq,
        intent=dump(told.get("phase4_intent") or {}),
        score=score if isinstance(score, int) else 0,
        features=dump(told.get("phase4_features") or []),
        now=tx.now,
    )


def intent_of(reader: Reader, task_id: str) -> dict[str, Any] | None:
    """The intent that a split task was split with; none where it was not split."""
    row = reader.one("plan_of", id=task_id)
    if row is None:
        return None
    intent: dict[str, Any] = json.loads(row["intent"])
    return intent


def whole_intent(reader: Reader, claim: Claim) -> dict[str, Any] | None:
    """The intent of the whole that a claimed task is, or is a part of; none where nothing was split."""
    if not claim.is_planned and claim.plan_parent is None:
        return None
    return intent_of(reader, claim.id if claim.is_planned else claim.plan_parent or "")


def depth_of(reader: Reader, task_id: str) -> int:
    """How often the words of a task were split before they became this task: 0 for what a person wrote."""
    row = reader.one("plan_depth", id=task_id)
    return 0 if row is None else int(row["depth"])

"""What follows when the answer of a task of a run counts: further tasks, another round, its named outputs.

It is read from the answer before the answer is judged, and kept with the task under the attempt's lease.
Whoever approves the answer then, the critics or a person days later, does it in the same transaction: so it
happens once, or not at all, whatever is killed in between. An answer from which more would follow, and that
comes when its run is ending or its task withdrawn, does not count: its task ends as what was asked to stop,
and is done anew when the run goes on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from run_contract.errors import RunError
from runtime_contract import Status
from store import ending, recording, run_ends, runs
from store.lanes import ConcurrencyLimits
from store.records import NewTask, TaskRef, parse_document
from store.runs import NewRunTask
from store.transaction import Transaction, dump

#: Tasks that were not added, of one answer, which are told one by one.
MOST_TOLD: Final = 20
_CAME_LATE: Final = (
    "its answer came after that and does not count, for more would follow from it; it is asked for anew when "
    "the task is sent back"
)
#: The code of a task whose answer cannot be taken in.
INVALID_RESULT: Final = "invalid_result"


def note(tx: Transaction, task: int, ref: TaskRef, growth: dict[str, Any]) -> None:
    """Keep what is to follow if the answer of this attempt counts."""
    tx.run("note_growth", task=task, growth=dump({**growth, "lease": ref.lease}) if growth else None)


def approve(
    tx: Transaction, row: sqlite3.Row, reviewer: str, grant: dict[str, Any] | None = None, **fields: Any
) -> None:
    """The result is accepted (`recording.approve`), with all that follows for a task of a run."""
    found = tx.one("growth_of", task=row["seq"]) if run_ends.run_of(row["id"]) else None
    growth = json.loads(found["growth"]) if found is not None and found["growth"] else {}
    if found is None or growth.get("lease") != row["lease"]:
        recording.approve(tx, row, reviewer, grant, **fields)
        return
    if "outputs" in growth:
        tx.run("put_outputs", task=row["seq"], outputs=dump(growth["outputs"]))
    if ("round" in growth or growth.get("adds")) and _is_stopping(row, found):
        _leave(tx, row, **fields)
        return
    _add(tx, row, found["run_id"], growth)
    failure = growth.get("failure")
    if "round" in growth:
        failure = _begin_round(tx, row, found, growth["round"])
        if failure is None:
            return
    if failure is not None:
        recording.fail(tx, row, failure["code"], failure["reason"], **fields)
    else:
        recording.approve(tx, row, reviewer, grant, **fields)


def _is_stopping(row: sqlite3.Row, run: sqlite3.Row) -> bool:
    """Whether nothing more begins in a run, or of a task of it."""
    return run["state"] != "running" or bool(run["is_stopping"]) or bool(row["cancel_requested"])


def _leave(tx: Transaction, row: sqlite3.Row, **fields: Any) -> None:
    """End a task whose answer is there, and not what follows from it: as one that was stopped before."""
    recording.end_attempt(tx, row, "cancelled")
    why = (row["reason"] if row["cancel_requested"] else None) or "its run is ending"
    reason = f"{why}; {_CAME_LATE}"
    ending.end_task(tx, row, Status.CANCELLED, code=run_ends.CANCELLED, reason=reason, **fields)


def _add(tx: Transaction, row: sqlite3.Row, run_id: str, growth: dict[str, Any]) -> None:
    """Add the tasks that the answer asks for, as far as the run takes them, and tell which it does not."""
    tasks = [of_document(each) for each in growth.get("adds", ())]
    refused = list(growth.get("refused", ()))
    kept = _fitting(tx, run_id, tasks, growth.get("places", ()), refused) if tasks else []
    for each in refused[:MOST_TOLD]:
        tx.emit("task.add_refused", task_id=row["id"], path=each["path"], reason=each["reason"])
    if len(refused) > MOST_TOLD:
        more = f"{len(refused) - MOST_TOLD:,} more tasks were not added"
        tx.emit("task.add_refused", task_id=row["id"], path="tasks", reason=more)
    if kept:
        runs.enter_added(tx, run_id, kept, "task")


def _fitting(
    tx: Transaction,
    run_id: str,
    tasks: Sequence[NewRunTask],
    places: Sequence[int],
    refused: list[dict[str, str]],
) -> list[NewRunTask]:
    """Those of the tasks that the run takes now; why it does not take the others is added to `refused`."""
    told = {task.id: f"tasks[{place}]" for task, place in zip(tasks, places, strict=False)}
    found = runs.fitting(tx, runs.find(tx, run_id), tasks, told)
    for name, (field, reason) in found.left_out.items():
        path = f"{told.get(name, name)}{'.' if field else ''}{field}"
        refused.append({"path": path, "reason": f"{path}: {reason}"})
    return found.tasks


def _begin_round(
    tx: Transaction, row: sqlite3.Row, run: sqlite3.Row, told: dict[str, Any]
) -> dict[str, str] | None:
    """Have a task wait for the end of its next round; why it fails instead, where no more may be added."""
    tasks = [of_document(each) for each in told["tasks"]]
    try:
        runs.become(tx, row, tasks, [told["end"]], ConcurrencyLimits())
    except RunError as error:
        return {"code": INVALID_RESULT, "reason": error.message}
    recording.end_attempt(tx, row, "repeated")
    for name, later in told["stands_for"].items():
        tx.run("put_later", run=run["run"], id=name, later=later)
    tx.emit("task.repeated", task_id=row["id"], status="queued", round=told["round"], most=told["most"])
    runs.fail_behind_the_dead(tx, tasks)
    return None


def as_documents(tasks: Sequence[NewRunTask]) -> list[dict[str, Any]]:
    """Tasks that may be entered later, as JSON keeps them."""
    return [
        {
            "id": task.id,
            "document": task.new.doc,
            "lane_part": task.new.lane_part,
            "asked": task.doc,
            "required": task.required,
            "needs_any": task.needs_any,
            "parent": task.parent,
            "subtree_micros": task.subtree_micros,
            "added_by": task.added_by,
            "depth": task.depth,
            "round": task.round,
            "previous": task.previous,
        }
        for task in tasks
    ]


def of_document(told: dict[str, Any]) -> NewRunTask:
    """A task that `as_documents` told."""
    document = told["document"]
    new = NewTask(parse_document(document, document["id"]), document, told["lane_part"])
    return NewRunTask(
        told["id"],
        new,
        told["asked"],
        told["required"],
        told["needs_any"],
        told["parent"],
        told["subtree_micros"],
        told["added_by"],
        told["depth"],
        told["round"],
        told["previous"],
    )

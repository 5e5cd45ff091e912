"""Whatever ran or was being judged when the database broke: nobody knows how it ended, so `effect` decides.

The process that ran it is gone, and so may be the record that it began. So even an attempt that the backup
shows as not yet begun counts as begun.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from attempts import AttemptPolicy
from run_contract import asking
from runtime_contract import Status, Task
from store import agreements, decisions, ending, plan_review, recording, steering
from store.records import Question, task_of
from store.recovery.playing import Fold, moment_of
from store.recovery.standing import Event
from store.transaction import Transaction

EffectOf = Callable[[Task], str]

_WHAT: Final = "the database was damaged while it ran"


@dataclass(slots=True)
class Settled:
    """Ids of what had begun, by what becomes of it."""

    again: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


def guess_effect(task: Task) -> str:
    """What the task says, else the careful word for a command."""
    return task.effect or ("unsafe" if task.mode == "local" else "idempotent")


def settle_begun(
    tx: Transaction, fold: Fold, begun: Mapping[str, Status], effect_of: EffectOf, policy: AttemptPolicy
) -> Settled:
    """Bring everything that had begun to a state it can stay in."""
    settled = Settled()
    for task_id, status in begun.items():
        row = steering.find(tx, task_id)
        if status is Status.PENDING_REVIEW and row["state"] in {"blocked", "delayed", "ready"}:
            tx.all("to_review", seq=row["seq"], result=row["result"])
        elif status is Status.IN_PROGRESS and row["state"] in {"blocked", "delayed", "ready"}:
            _interrupt(tx, row, effect_of, policy, settled)
    for row in tx.all("unsettled"):
        if row["state"] == "running":
            _interrupt(tx, row, effect_of, policy, settled)
        elif not row["is_asked"]:
            standing = fold.standings.get(row["id"])
            _ask_again(tx, row, standing.question if standing else None)
            settled.asked.append(row["id"])
    return settled


def _interrupt(
    tx: Transaction, row: sqlite3.Row, effect_of: EffectOf, policy: AttemptPolicy, settled: Settled
) -> None:
    if row["cancel_requested"]:
        reason = "cancelled before the database was damaged"
        ending.end_task(tx, row, Status.CANCELLED, code="cancelled", reason=reason)
        settled.ended.append(row["id"])
        return
    task = task_of(row["doc"], row["id"])
    limit = policy.interruption_limit(task)
    recording.interrupted(tx, row, effect_of(task), limit, _WHAT, counts=True)  # the log tells no start
    state = steering.find(tx, row["id"])["state"]
    where = settled.asked if state == "review" else settled.again if state == "ready" else settled.ended
    where.append(row["id"])


def _ask_again(tx: Transaction, row: sqlite3.Row, lost: Event | None) -> None:
    """Put up the question that was open; leave to run, a plan and a run's own are asked anew by the road."""
    if lost is not None and lost.get("kind") in {agreements.KIND, plan_review.KIND, asking.KIND}:
        recording.requeue(tx, row, "the database was damaged before a person answered", became="held")
    else:
        decisions.ask(tx, _question(row, lost), row)


def _question(row: sqlite3.Row, lost: Event | None) -> Question:
    """The question that was open, without the bytes it showed; or that the verdict of the critics is lost."""
    result = ending.read_result(row)
    payload = {
        "task": row["id"],
        "attempt": row["attempts"],
        "output_ref": result.get("output_ref"),
        "output": str(result.get("result") or ""),
        "grant": None,
    }
    if lost is not None and lost.get("kind") == "interrupted":
        payload["doc"] = row["doc"]
        return Question("interrupted", str(lost.get("question")), ("again", "done", "failed"), payload)
    asked = str(lost.get("question")) if lost is not None else (
        f"{row['id']} had run and was being judged when the database was damaged. Is its result good? "
        f"(skep approve {row['id']}, or skep reject {row['id']} --reason ...)"
    )  # fmt: skip
    return Question("review", asked, ("approve", "reject"), payload)


def settle_answers(tx: Transaction, fold: Fold) -> None:
    """Questions of the backup that were answered after it."""
    for decision, event in fold.answers.items():
        tx.run(
            "answer_decision",
            id=decision,
            answer=str(event.get("answer")),
            by=str(event.get("answered_by")),
            comment=event.get("comment") if isinstance(event.get("comment"), str) else None,
            now=moment_of(event["ts"]),
        )


def settle_dependencies(tx: Transaction) -> None:
    """Who waits for what, counted anew; whoever waits for a dead one fails with it."""
    tx.run("count_waiting")
    tx.run("place_waiting", now=tx.now)
    tx.run("forget_missing_parents")
    tx.run("find_missing_parents", now=tx.now)
    for parent in tx.all("dead_parents"):
        ending.fail_children(tx, parent["id"], Status(parent["state"]))

"""What became of an attempt: judged, put back, refused, interrupted. Every function here passes the fence.

Each takes the lease it speaks for. A lease that is no longer the current one changes nothing: the word is
dropped, an event says so, and the function returns false.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from clock import to_local_text, to_rfc3339
from errors import CallHeld
from faults import fault_point
from outcome import Outcome, Verdict
from runtime_contract import Status
from store import checkpoints, claims, decisions, ending, intake, journal, lanes, ledger, suspects
from store.edits import NEW_WORDS, is_asked_anew
from store.records import Question, TaskRef, task_of
from store.transaction import Transaction, dump

#: How rules and checks are named: ``workspace``, ``program-unknown``.
_RULE: Final = re.compile(r"[a-z][a-z0-9_-]{0,60}")


def start_cycle(
    tx: Transaction,
    ref: TaskRef,
    swarm: str,
    allow: Callable[[Transaction], CallHeld | None] | None = None,
    traceparent: str | None = None,
) -> sqlite3.Row | CallHeld | None:
    """Swarm begins to execute a lease, for the span that `traceparent` names.

    `allow` is asked first, in the same transaction; what it returns holds the lease, and nothing began.
    Returns none when the start is now recorded, else that, or the attempt as it stands: begun or ended
    before. Raises `errors.LeaseLost` when the store does not hold the lease and no outcome is known.
    """
    attempt = tx.one("get_attempt", id=ref.id, lease=ref.lease)
    if attempt is not None and attempt["swarm"] is not None:
        return attempt
    row = tx.one("held", id=ref.id, lease=ref.lease)
    if row is None:
        raise decisions.lease_lost(ref)
    fault_point("cycle.before_start")
    held = None if allow is None else allow(tx)
    if held is not None:
        return held
    columns = {"swarm": swarm, "traceparent": traceparent, "now": tx.now}
    tx.run("start_cycle", task=row["seq"], lease=ref.lease, **columns)
    return None


def record_outcome(tx: Transaction, outcome: Outcome) -> bool:
    """Keep what an attempt brought; the first word stands. Kept even when the lease has been superseded."""
    attempt = tx.one("get_attempt", id=outcome.task_id, lease=outcome.lease)
    if attempt is None:
        return False
    kept = tx.run(
        "record_outcome",
        task=attempt["task"],
        lease=outcome.lease,
        outcome=outcome.model_dump_json(exclude_none=True),
        now=tx.now,
    )
    return kept.rowcount == 1


def _outcome_fields(outcome: Outcome, route: dict[str, Any]) -> dict[str, Any]:
    return {
        "started_at": to_rfc3339(outcome.started_at),
        "completed_at": to_rfc3339(outcome.ended_at),
        "result_summary": outcome.result,
        "errors": outcome.failure.message if outcome.failure else None,
        "model": outcome.model,
        "exit_code": outcome.exit_code,
        "timed_out": outcome.timed_out or None,
        "output_ref": outcome.output_ref,
        "output_bytes": outcome.output_bytes,
        "output_cut": outcome.output_cut or None,
        "usage": outcome.usage.model_dump() if outcome.usage else None,
        "cost_micros": outcome.cost_micros,
        "reserved_micros": outcome.reserved_micros,
        "unsettled": outcome.unsettled or None,
        "budget_used": outcome.budget_used,
        "safety_passed": outcome.safety_report.get("passed") if outcome.safety_report else None,
        "safety_report": outcome.safety_report,
        **route,
    }


def begin_review(
    tx: Transaction, ref: TaskRef, outcome: Outcome, verdict: Verdict, route: dict[str, Any]
) -> sqlite3.Row | None:
    """The attempt ended: tell what it brought and what the critics say. The row to go on with, or none."""
    row = tx.one("review_held", id=ref.id, lease=ref.lease, result=dump(_result(outcome)))
    if row is None:
        return claims.held(tx, ref, "a result")  # none, and the event that says so
    _tell(tx, row, outcome, route)
    tx.emit(
        "task.pending_review",
        task_id=ref.id,
        status="pending_review",
        worker_id=row["worker_id"],
        attempt=row["attempts"],
        review_verdict=verdict.decision,
        review_confidence=verdict.confidence,
        review_issues=verdict.issues,
        review_suggestions=verdict.suggestions,
        review_attempt=row["rejections"],
        reviewer=verdict.reviewer,
        review_critics=[each.model_dump(exclude_none=True) for each in verdict.critics] or None,
        **({} if outcome.status == "completed" else _outcome_fields(outcome, route)),
    )
    tx.mark_dirty(row["seq"])
    return row


def _tell(tx: Transaction, row: sqlite3.Row, outcome: Outcome, route: dict[str, Any]) -> None:
    """An attempt that failed has no `completed`: its figures stand in the event that follows."""
    if outcome.status == "completed":
        tx.emit(
            "task.completed",
            task_id=row["id"],
            status="completed",
            worker_id=row["worker_id"],
            attempt=row["attempts"],
            **_outcome_fields(outcome, route),
        )


def _result(outcome: Outcome) -> dict[str, Any]:
    return outcome.model_dump(
        include={
            "result",
            "model",
            "output",
            "output_ref",
            "output_bytes",
            "output_cut",
            "exit_code",
            "timed_out",
            "cost_micros",
            "usage",
            "started_at",
            "ended_at",
            "may_write",
        },
        exclude_none=True,
    )


def approve(
    tx: Transaction, row: sqlite3.Row, reviewer: str, grant: dict[str, Any] | None = None, **fields: Any
) -> None:
    """The result is accepted; dependants are released and the reward is granted in the same transaction.

    `grant` is the row of `reward_grant`, where the task earned one.
    """
    end_attempt(tx, row, "approved")
    if grant is not None:
        fields |= ledger.grant(tx, grant)
    if row["source"] == ledger.FREE_TIME:
        journal.keep_answer(tx, row)
    ending.end_task(tx, row, Status.APPROVED, reviewer=reviewer, **fields)
    checkpoints.note_approval(tx, row)
    fault_point("review.before_commit")


def requeue(
    tx: Transaction,
    row: sqlite3.Row,
    reason: str,
    *,
    not_before: float | None = None,
    waiting_for: str | None = None,
    feedback: list[str] | None = None,
    counts: bool = True,
    interrupted: bool = False,
    rejected: bool = False,
    became: str = "requeue",
    code: str | None = None,
    held: CallHeld | None = None,
) -> None:
    """Send a running or judged task back to be tried again: now, at `not_before`, or when `held` is no more.

    One that a person has cancelled meanwhile ends instead, and so does a part of a task that has ended.
    """
    if end_withdrawn(tx, row) or end_with_its_parent(tx, row):
        return
    end_attempt(tx, row, became, feedback)
    later = not_before if not_before is not None and not_before > tx.now else None
    _to_queue(
        tx,
        row,
        later,
        held,
        waiting_for=waiting_for,
        reason=reason,
        uncounted=int(not counts),
        interrupted=int(interrupted),
        rejected=int(rejected),
        feedback=None if feedback is None else dump(feedback),
    )
    _tell_requeue(
        tx,
        row,
        "task.interrupted" if interrupted else "task.requeue",
        reason=reason,
        code=code,
        not_before=None if later is None else to_rfc3339(later),
        retry=None if counts else row["retries"] + (held is None),
        waiting_for=None if held is None else held.waiting_for,
        needs_micros=held.needs_micros or None if held is not None else None,
        review_issues=feedback,
        review_attempt=row["rejections"] + 1 if rejected else None,
    )


def run_new_words(tx: Transaction, row: sqlite3.Row, found: str = "") -> bool:
    """Send a task back whose words were changed while it ran; false where they were not.

    The attempt was none of the new words, so it does not count. `found`: what was wrong with it.
    """
    if not is_asked_anew(tx, row):
        return False
    reason = f"{NEW_WORDS}. With the old ones: {found}" if found else NEW_WORDS
    requeue(tx, row, reason, code="edited", counts=False, became="edited")
    return True


def _to_queue(
    tx: Transaction, row: sqlite3.Row, later: float | None, held: CallHeld | None, **columns: Any
) -> None:
    is_delayed = later is not None or held is not None
    tx.run(
        "to_queue",
        seq=row["seq"],
        # an edit while it ran may have given it something to wait for
        state="blocked" if row["waiting_on"] else "delayed" if is_delayed else "ready",
        not_before=later,
        held_by=None if held is None else held.held_by,
        needs=None if held is None else held.needs_micros,
        **columns,
    )


def _tell_requeue(tx: Transaction, row: sqlite3.Row, event: str, **fields: Any) -> None:
    tx.emit(
        event,
        task_id=row["id"],
        status="requeue",
        worker_id=row["worker_id"],
        attempt=row["attempts"] or None,
        **fields,
    )
    tx.mark_dirty(row["seq"])
    if row["waiting_on"]:  # what it was given to wait for may be missing, dead, or waiting for it
        intake.settle_dependencies(tx, [task_of(row["doc"], row["id"])], reaches_older=True)


def end_withdrawn(tx: Transaction, row: sqlite3.Row) -> bool:
    """End a task whose cancellation was asked for while it ran, and has not been done yet."""
    is_withdrawn = bool(row["cancel_requested"])
    if is_withdrawn:
        end_attempt(tx, row, "cancelled")
        ending.end_task(tx, row, Status.CANCELLED, code="cancelled", reason=row["reason"])
    return is_withdrawn


def end_with_its_parent(tx: Transaction, row: sqlite3.Row) -> bool:
    """End a subtask instead of trying it again, where the task it is a part of ended while it ran."""
    if row["plan_parent"] is None:
        return False
    parent = tx.one("get_task", id=row["plan_parent"])
    if parent is None or not ending.is_dead(parent["state"]) or parent["finished"] < row["started"]:
        return False
    end_attempt(tx, row, "cancelled")
    reason = ending.ended_with(parent["id"], parent["state"])
    ending.end_task(tx, row, Status.CANCELLED, code=ending.PLAN_ENDED, reason=reason)
    return True


def end_attempt(tx: Transaction, row: sqlite3.Row, became: str, findings: list[str] | None = None) -> None:
    """Note what became of the task's current attempt."""
    tx.run(
        "end_attempt",
        task=row["seq"],
        lease=row["lease"],
        became=became,
        findings=None if findings is None else dump(findings),
        now=tx.now,
    )


def fail(tx: Transaction, row: sqlite3.Row, code: str, reason: str, **fields: Any) -> None:
    """The task ends without an accepted result."""
    end_attempt(tx, row, "failed")
    ending.end_task(tx, row, Status.FAILED, code=code, reason=reason, **fields)


def fail_attempt(
    tx: Transaction, row: sqlite3.Row, outcome: Outcome, route: dict[str, Any], code: str, reason: str
) -> None:
    """The task ends because its attempt did not come to a result that could be judged."""
    again = tx.one("to_review", seq=row["seq"], result=dump(_result(outcome)))
    assert again is not None  # noqa: S101  the row was just written
    fail(tx, again, code, reason, **_outcome_fields(outcome, route))


def block(tx: Transaction, ref: TaskRef, reason: str, report: dict[str, Any]) -> bool:
    """The safety gateway refuses: the task ends and never runs, unless it has got new words meanwhile."""
    row = claims.held(tx, ref, "a refusal")
    if row is None:
        return False
    tx.audit(
        "execution",
        "blocked",
        actor=row["worker_id"],
        task_id=ref.id,
        lease=ref.lease,
        rule=report.get("rule") or _rule_in(report) or _rule_of(reason),
        digest=hashlib.sha256(row["doc"].encode("utf-8", "surrogatepass")).hexdigest(),
    )
    if run_new_words(tx, row, reason):
        return True
    end_attempt(tx, row, "safety_blocked")
    ending.end_task(
        tx,
        row,
        Status.SAFETY_BLOCKED,
        code="safety_blocked",
        reason=reason,
        safety_passed=False,
        safety_report=report,
    )
    return True


def _rule_in(report: dict[str, Any]) -> str | None:
    """The rule by which a check of the gateway's report refused."""
    checks = report.get("checks") or {}
    return next((one.get("rule") for one in checks.values() if not one["passed"]), None)


def _rule_of(reason: str) -> str:
    """The rule a refusal names: the last of the words it begins with, each before a colon."""
    *words, _ = reason.split(": ")
    named = list(itertools.takewhile(_RULE.fullmatch, words))
    return named[-1] if named else "unnamed"


def cancel_running(tx: Transaction, ref: TaskRef, by: str) -> bool:
    """A running task has been stopped for a person."""
    row = claims.held(tx, ref, "a cancellation")
    if row is None:
        return False
    if not end_withdrawn(tx, row):
        end_attempt(tx, row, "cancelled")
        ending.end_task(tx, row, Status.CANCELLED, code="cancelled", reason=f"cancelled by {by}")
    return True


def hold(tx: Transaction, row: sqlite3.Row, question: Question) -> str | None:
    """A judged task waits for a person. Returns the decision's id; none where a person has cancelled it."""
    if end_withdrawn(tx, row):
        return None
    end_attempt(tx, row, "held")
    return decisions.ask(tx, question, row)


def hold_back(tx: Transaction, ref: TaskRef, held: CallHeld) -> sqlite3.Row | None:
    """Its model call must wait: the task goes back, and the try does not count. Its row, if it was ours."""
    row = claims.held(tx, ref, "what holds its model call")
    if row is not None:
        requeue(
            tx,
            row,
            held.waiting_for,
            code=held.code,
            not_before=None if held.retry_after_s is None else tx.now + held.retry_after_s,
            waiting_for=held.waiting_for,
            counts=False,
            became=held.code,
            held=held,
        )
    return row


def hand_back(tx: Transaction, ref: TaskRef, reason: str) -> bool:
    """A worker that stops gives a task back unfinished; nothing of it counts."""
    row = claims.held(tx, ref, "a hand-back")
    if row is not None:
        requeue(tx, row, reason, counts=False, became="handed_back")
    return row is not None


def halted(tx: Transaction, ref: TaskRef, effect: str, what: str) -> bool:
    """The kill switch ended an attempt, or kept it from beginning; `effect` decides what that means.

    ``idempotent``: again once the switch is cleared, and nothing of it counts. ``unsafe``: a person is asked.
    """
    row = claims.held(tx, ref, "an interruption")
    if row is None:
        return False
    if effect == "unsafe" and not end_withdrawn(tx, row):
        _ask_after_interruption(tx, row, what)
    elif effect != "unsafe":
        requeue(tx, row, f"{what}; it runs again", code="kill_switch", counts=False, became="halted")
    return True


def interrupted(
    tx: Transaction, row: sqlite3.Row, effect: str, limit: int, what: str, *, counts: bool = False
) -> None:
    """The process that ran an attempt is gone and left no outcome; `effect` decides what that means.

    ``idempotent``: again, until `limit` attempts that had begun have ended so, the last of them alone
    (`suspects`). ``unsafe``: a person is asked. With `counts` this one had begun, whatever is recorded.
    """
    if end_withdrawn(tx, row):
        return
    if effect == "unsafe":
        _ask_after_interruption(tx, row, what)
    else:
        _try_again(tx, row, limit, what, counts=counts)


def _try_again(tx: Transaction, row: sqlite3.Row, limit: int, what: str, *, counts: bool) -> None:
    standing = suspects.standing(tx, row, limit, counts=counts)
    if standing == "cause":
        reason = (
            f"{what}, for the {row['interruptions'] + 1}. time; it may be what ends the process. "
            f"`skep retry {row['id']}` tries again"
        )
        if not run_new_words(tx, row, what):
            fail(tx, row, "worker_lost", reason)
        return
    alone = ""
    if standing == "suspect":
        suspects.isolate(tx, row)
        alone = ", alone, which shows whether it is what ends the process"
    reason = f"{what}; it is idempotent and runs again{alone}"
    requeue(tx, row, reason, interrupted=True, became="interrupted")


def never_started(tx: Transaction, row: sqlite3.Row, what: str) -> None:
    """Swarm ended again and again on being sent a task; once more, alone, and where it was alone it fails."""
    if end_withdrawn(tx, row):
        return
    if lanes.is_suspect(row["lane"]):
        if not run_new_words(tx, row, what):
            fail(tx, row, "worker_lost", f"{what}, also alone. `skep retry {row['id']}` tries again")
        return
    suspects.isolate(tx, row)
    requeue(tx, row, f"{what}; it is tried again, alone", interrupted=True, became="interrupted")


def _exit_code(tx: Transaction, row: sqlite3.Row) -> int | None:
    """What the command of an attempt ended with, where it came to its end and that was recorded."""
    attempt = tx.one("get_attempt", id=row["id"], lease=row["lease"])
    outcome = json.loads(attempt["outcome"]) if attempt is not None and attempt["outcome"] else {}
    found = outcome.get("exit_code") if outcome.get("status") == "completed" else None
    return found if isinstance(found, int) else None


def _ask_after_interruption(tx: Transaction, row: sqlite3.Row, what: str) -> None:
    started = f" {to_local_text(row['started'])}" if row["started"] else ""
    tx.emit(
        "task.interrupted",
        task_id=row["id"],
        status="pending_review",
        attempt=row["attempts"],
        worker_id=row["worker_id"],
        reason=f"{what}; its effect is unsafe, so a person decides",
    )
    tx.all("to_review", seq=row["seq"], result=None)
    code = _exit_code(tx, row)
    became = "was interrupted" if code is None else "has run"
    known = "what it did is not known" if code is None else f"its command ended with exit code {code}"
    question = Question(
        kind="interrupted",
        question=f"{row['id']} {became} ({what}, started{started}); {known}. "
        "Run it again, count it as done, or count it as failed?",
        options=("again", "done", "failed"),
        payload={"task": row["id"], "attempt": row["attempts"], "doc": row["doc"]},
    )
    end_attempt(tx, row, "interrupted")
    decisions.ask(tx, question, row)

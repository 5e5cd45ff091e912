"""The history, played again: where each task stands by the events that the rebuilt store did not know yet.

Only what a later step must know is kept. An event that is not understood changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from run_contract import asking
from store.recovery import money, rewards
from store.recovery.standing import ENDS, PENDING, Claimed, Ended, Event, Standing
from store.transaction import Transaction, dump

_RESULT: Final = ("model", "output_ref", "output_bytes", "output_cut", "exit_code", "timed_out",
                  "cost_micros", "usage")  # fmt: skip
_COLUMNS: Final = frozenset({"seq", "ts", "event", "task_id", "status", "worker_id", "attempt"})


class Fold:
    """Takes events in order and keeps the standings they lead to."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.standings: dict[str, Standing] = {}
        #: decision -> the event that answered it
        self.answers: dict[str, Event] = {}
        #: what was earned, paid and written into journals
        self.rewards: list[Event] = []
        #: what was reserved, booked and topped up
        self.money: list[Event] = []

    def take(self, event: Event) -> None:
        """One more event."""
        kind, task_id = event["event"], event["task_id"]
        if kind == "decision.answered" and isinstance(event.get("decision"), str):
            self.answers[event["decision"]] = event
            if event.get("kind") == asking.KIND and task_id is not None:
                _take_answer(self.standing(task_id), event)
        if kind in money.KINDS:
            self.money.append(event)
        if rewards.is_about(event):
            self.rewards.append(event)
        act = _ACTS.get(kind)
        if act is not None and task_id is not None:
            act(self.standing(task_id), event)

    def standing(self, task_id: str) -> Standing:
        """Where a task stands now."""
        if task_id not in self.standings:
            row = self._tx.one("get_task", id=task_id)
            self.standings[task_id] = Standing(task_id) if row is None else Standing.of_row(row)
        return self.standings[task_id]


def moment_of(text: object) -> float:
    """Unix seconds of an event's time; 0 where it is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _number(event: Event, name: str, otherwise: int) -> int:
    value = event.get(name)
    return value if type(value) is int and 0 <= value < 2**62 else otherwise


def _text(event: Event, name: str) -> str | None:
    value = event.get(name)
    return value if isinstance(value, str) else None


def _take_answer(task: Standing, event: Event) -> None:
    """A person answered the question that a task of a run is: the answer is its output."""
    answer = _text(event, "comment" if event.get("answer") == asking.ANSWER else "answer")
    if answer is not None and event.get("answer") not in {asking.REFUSE, "withdrawn"}:
        task.result = dump({"result": answer[:200], "output": answer})


def _handed_on(task: Standing, event: Event) -> None:
    """Others do its work, and it waits for them; it begins anew where they are lost."""
    task.state, task.attempts = PENDING, max(0, task.attempts - 1)
    _close_attempt(task, event, "held")


def _queued(task: Standing, event: Event) -> None:
    task.queued, task.created = event, moment_of(event["ts"])


def _claimed(task: Standing, event: Event) -> None:
    task.state, task.question, task.cancel_requested = "running", None, 0
    task.lease = max(task.lease, _number(event, "lease", task.lease + 1))
    task.attempts = _number(event, "attempt", task.attempts + 1)
    task.worker_id, task.started = event["worker_id"], moment_of(event["ts"])
    task.code = task.reason = None
    task.claims.append(Claimed(task.lease, task.attempts, task.worker_id or "unknown", task.started))


def _completed(task: Standing, event: Event) -> None:
    brought = {name: event[name] for name in _RESULT if event.get(name) is not None}
    brought["result"] = _text(event, "result_summary") or ""
    for name, source in (("started_at", "started_at"), ("ended_at", "completed_at")):
        brought[name] = moment_of(event.get(source))
    task.result = dump(brought)


def _judged(task: Standing, event: Event) -> None:
    if event.get("completed_at") is not None:
        _completed(task, event)
    task.state, task.retries, task.cancel_requested = "review", 0, 0


def _held(task: Standing, event: Event) -> None:
    task.state, task.attempts = "review", max(0, _number(event, "attempt", task.attempts) - 1)
    _close_attempt(task, event, "held")


def _ended(task: Standing, event: Event) -> None:
    if event.get("completed_at") is not None:
        _completed(task, event)
        task.retries = 0
    task.state = event["event"].partition(".")[2]
    task.finished, task.cancel_requested = moment_of(event["ts"]), 0
    task.code, task.reason, task.question = _text(event, "code"), _text(event, "reason"), None
    _close_attempt(task, event, task.state)


def _reused(task: Standing, event: Event) -> None:
    """A task of a fork was given an answer, which was lost with the text that asked for it."""
    task.state, task.finished = "approved", moment_of(event["ts"])


def _refused(task: Standing, event: Event) -> None:
    task.queued, task.created = event, moment_of(event["ts"])
    task.state, task.finished = "failed", task.created
    task.code, task.reason = _text(event, "code") or "invalid_task", _text(event, "reason")


def _imported(task: Standing, event: Event) -> None:
    task.queued, task.created = event, moment_of(event["ts"])
    task.state = event["status"] if event["status"] in ENDS else "failed"
    task.finished = task.created


def _requeued(task: Standing, event: Event) -> None:
    is_uncounted = event.get("retry") is not None
    attempt = _number(event, "attempt", task.attempts)
    task.attempts = max(0, attempt - 1) if is_uncounted else attempt
    task.retries = _number(event, "retry", 0) if is_uncounted else 0
    task.rejections = _number(event, "review_attempt", task.rejections)
    if isinstance(event.get("review_issues"), list):
        task.feedback = dump(event["review_issues"])
    _put_back(task, event)
    _close_attempt(task, event, "rejected" if event.get("review_attempt") is not None else "requeue")


def _interrupted(task: Standing, event: Event) -> None:
    task.retries = 0
    if event["status"] == "pending_review":
        task.state = "review"
    else:
        task.interruptions += 1
        _put_back(task, event)
    _close_attempt(task, event, "interrupted")


def _put_back(task: Standing, event: Event) -> None:
    task.state, task.question, task.cancel_requested = PENDING, None, 0
    task.reason, task.code = _text(event, "reason"), None
    later = event.get("not_before")
    task.not_before = moment_of(later) if later is not None else None


def _close_attempt(task: Standing, event: Event, became: str) -> None:
    issues = event.get("review_issues")
    findings = issues if isinstance(issues, list) else None
    if task.lease:
        task.ends.append(Ended(task.lease, became, findings, moment_of(event["ts"])))


def _retried(task: Standing, event: Event) -> None:
    task.attempts = task.interruptions = task.rejections = task.retries = task.cancel_requested = 0
    task.state, task.retried = PENDING, True
    task.code = task.reason = task.feedback = task.started = task.finished = None


def _cancel_asked(task: Standing, event: Event) -> None:
    task.cancel_requested = 1


def _planned(task: Standing, event: Event) -> None:
    task.attempts = max(0, _number(event, "attempt", task.attempts) - 1)
    task.plan = event
    _put_back(task, {**event, "reason": None})
    _close_attempt(task, event, "planned")


def _edited(task: Standing, event: Event) -> None:
    task.edited = True


def _asked(task: Standing, event: Event) -> None:
    task.question = event
    if event.get("kind") == "review":
        _close_attempt(task, event, "held")


def _answered(task: Standing, event: Event) -> None:
    task.question = None


def _fired(task: Standing, event: Event) -> None:
    task.started = moment_of(event["ts"])  # a schedule never runs itself: its next firing follows from this


_ACTS: Final[dict[str, Callable[[Standing, Event], None]]] = {
    "task.queued": _queued,
    "task.refused": _refused,
    "task.reused": _reused,
    "task.imported": _imported,
    "task.in_progress": _claimed,
    "task.planned": _planned,
    "task.mapped": _handed_on,
    "task.repeated": _handed_on,
    "task.run_awaited": _handed_on,
    "task.completed": _completed,
    "task.pending_review": _judged,
    "task.held": _held,
    **{f"task.{end}": _ended for end in ENDS},
    "task.requeue": _requeued,
    "task.interrupted": _interrupted,
    "task.retried": _retried,
    "task.cancel_requested": _cancel_asked,
    "task.edited": _edited,
    "decision.asked": _asked,
    "decision.answered": _answered,
    "schedule.fired": _fired,
    "schedule.skipped": _fired,
}


def data_of(event: Event) -> str:
    """The fields of an event as the store keeps them: everything that has no column."""
    fields = {name: value for name, value in event.items() if name not in _COLUMNS}
    return dump(fields)

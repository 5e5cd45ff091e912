"""What each answer to each kind of decision does, in the transaction that records it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from attempts import AttemptPolicy
from errors import InvalidRequest, TransitionNotAllowed
from money import dollars_text
from run_contract import asking
from runtime_contract import Status
from store import (
    agreements,
    budgets,
    decisions,
    edits,
    ending,
    halting,
    ledger,
    plan_review,
    proposals,
    recording,
    rollbacks,
    run_growth,
    run_money,
    run_questions,
    steering,
)
from store.records import STATUS_OF_STATE, digest_of_ask, task_of
from store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as a person gave it."""

    decision: str
    choice: str
    by: str
    comment: str | None = None
    #: of a rejected result: no attempt follows, whatever is left
    is_final: bool = False
    #: of the bytes that were shown, where the face tells it
    digest: str | None = None


#: What ``skep approve`` and ``skep reject`` answer, by kind of decision.
YES_AND_NO: Final = {
    "review": ("approve", "reject"),
    "interrupted": ("done", "failed"),
    agreements.KIND: agreements.OPTIONS,
    plan_review.KIND: plan_review.OPTIONS,
    proposals.KIND: proposals.OPTIONS,
    "removal": ("accept", "keep"),
    "recovery": ("accept", "wait"),
    "circuit_breaker": ("resume", "wait"),
    "budget": ("needed", "no"),
    rollbacks.KIND: (rollbacks.LEAVE, rollbacks.CHANGE),
    asking.KIND: (asking.ANSWER, asking.REFUSE),
}


def yes_and_no(kind: str, options: Sequence[str]) -> tuple[str, str]:
    """What a plain yes and a plain no answer to a decision of this kind."""
    return asking.yes_and_no(options) if kind == asking.KIND else YES_AND_NO[kind]


def without_commands(kind: str, question: str) -> str:
    """A question without the commands in brackets that answer it, for a face that shows ways of its own.

    What a model asks of a person stays as it is.
    """
    return question if kind == asking.KIND else _COMMANDS.sub("", question, count=1).strip()


#: How a question is answered in a terminal, as Skep's own questions say it in brackets.
_COMMANDS: Final = re.compile(r" ?\(skep approve\b[^()]*\)")
#: The answer to a review that rejects it though attempts are left; it is kept as a `reject`.
FINAL: Final = "fail"


def answer(tx: Transaction, given: Answer, policy: AttemptPolicy) -> str:
    """Record an answer and do what it says; a sentence about what was done.

    Raises `NotFound`, `AlreadyAnswered`, `InvalidRequest`.
    """
    asked = tx.one("get_decision", id=given.decision)
    if given.choice == FINAL and asked is not None and asked["kind"] == "review":
        given = replace(given, choice="reject", is_final=True)
    if asked is not None and asked["kind"] == rollbacks.KIND and given.choice not in rollbacks.OPTIONS:
        raise InvalidRequest(rollbacks.Begun(**json.loads(asked["payload"])).one_answer)
    row = decisions.answer(tx, given.decision, given.choice, given.by, given.comment, given.digest)
    return _ACTIONS[row["kind"]](tx, row, given, policy)


def yes_or_no(
    tx: Transaction,
    subject: str,
    is_yes: bool,
    by: str,
    comment: str | None,
    policy: AttemptPolicy,
    *,
    is_final: bool = False,
) -> str:
    """Answer the open decision named by its own id or by its task's; see `Answer.is_final`.

    Raises as `answer`, and `TransitionNotAllowed` where nothing is asked.
    """
    row = find_open(tx, subject)
    choice = yes_and_no(row["kind"], json.loads(row["options"]))[0 if is_yes else 1]
    return answer(tx, Answer(row["id"], choice, by, comment, is_final), policy)


def choose(tx: Transaction, subject: str, given: Answer, policy: AttemptPolicy) -> str:
    """Give any answer to the open decision named by its own id or by its task's. Raises as `yes_or_no`."""
    return answer(tx, replace(given, decision=find_open(tx, subject)["id"]), policy)


def find_open(tx: Transaction, subject: str) -> sqlite3.Row:
    """The decision of that id, or the open one about that task. Raises `NotFound`, `TransitionNotAllowed`."""
    row = tx.one("get_decision", id=subject) or tx.one("open_decision_of", id=subject)
    if row is None:
        status = STATUS_OF_STATE[steering.find(tx, subject)["state"]]
        raise TransitionNotAllowed(f"{subject} is {status}; it does not wait for a decision.")
    return row


def _task(tx: Transaction, decision: sqlite3.Row) -> sqlite3.Row:
    return steering.find(tx, decision["task_id"])


def _review(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    row = _task(tx, decision)
    payload = json.loads(decision["payload"])
    if given.choice == "approve":
        _check_still_asked(row, decision)
        told = payload.get("unrewarded") or {}
        run_growth.approve(
            tx, row, given.by, payload.get("grant"), comment=given.comment, decision=given.decision, **told
        )
        return f"{row['id']} is approved."
    words = given.comment or "a person rejected the result without saying why"
    if given.is_final:
        recording.fail(tx, row, "rejected", f"rejected by {given.by}: {words}", reviewer=given.by)
        return f"{row['id']} is rejected: it failed."
    if not tries_left(row, policy, decision):
        recording.fail(tx, row, "rejected", f"rejected by {given.by}: {words}", reviewer=given.by)
        return f"{row['id']} is rejected and has no attempts left: it failed."
    is_old = _is_of_old_words(row, decision)
    recording.requeue(
        tx, row, f"rejected by {given.by}: {words}", code="edited" if is_old else None, counts=not is_old,
        feedback=[words], rejected=True, became="rejected",
    )  # fmt: skip
    if is_old:
        return f"{row['id']} is requeued with your feedback: the words that it has now run."
    return f"{row['id']} is requeued with your feedback: it will be tried again."


def tries_left(row: sqlite3.Row, policy: AttemptPolicy, decision: sqlite3.Row | None = None) -> int:
    """Attempts that may follow a rejected result of a task: with any, a no requeues it with the feedback.

    By the `decision` about the result it is known whether that is of the words that the task has now: one of
    the words before takes no attempt from them.
    """
    is_old = decision is not None and _is_of_old_words(row, decision)
    judged: int = row["attempts"] - row["interruptions"] - is_old
    return max(int(is_old), policy.judged_limit(task_of(row["doc"], row["id"])) - judged)


def _is_of_old_words(row: sqlite3.Row, decision: sqlite3.Row) -> bool:
    """Whether a result that is asked about was made before the task got the words that it has."""
    ran_before: bool = json.loads(decision["payload"]).get("ran_before", False)
    return ran_before or why_outdated(row, decision) is not None


def _check_still_asked(row: sqlite3.Row, decision: sqlite3.Row) -> None:
    """Raise `TransitionNotAllowed` where the task asks for something else than what the result answers."""
    outdated = why_outdated(row, decision)
    if outdated is not None:
        raise TransitionNotAllowed(outdated)


def why_outdated(row: sqlite3.Row, decision: sqlite3.Row) -> str | None:
    """Why the result that a person is asked about cannot be approved, and the way out; none where it can."""
    asked = json.loads(decision["payload"]).get("asked") if decision["kind"] == "review" else None
    if asked in {None, digest_of_ask(task_of(row["doc"], row["id"]))}:
        return None
    return (
        f"{row['id']} was edited after this result was made; it is not what the words there now ask for. "
        f"`skep reject {row['id']}` has them run."
    )


def _check_same_words(tx: Transaction, row: sqlite3.Row) -> None:
    """Raise `TransitionNotAllowed` where a task asks for something else than what was interrupted."""
    if edits.is_asked_anew(tx, row):
        raise TransitionNotAllowed(
            f"{row['id']} was edited after it had begun; what it asks for now has not run. "
            f"`skep retry {row['id']}` runs it."
        )


def _interrupted(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    row = _task(tx, decision)
    if given.choice == "again":
        recording.requeue(tx, row, f"{given.by} lets it run again", became="interrupted", interrupted=True)
        return f"{row['id']} runs again."
    if given.choice == "done":
        _check_same_words(tx, row)
        identity = task_of(row["doc"], row["id"]).identity_id
        told = {} if identity is None else ledger.not_granted(identity, "review_not_approved")
        recording.approve(tx, row, given.by, comment=given.comment, decision=given.decision, **told)
        return f"{row['id']} counts as done."
    recording.fail(tx, row, "interrupted", f"interrupted; {given.by} counts it as failed", reviewer=given.by)
    return f"{row['id']} counts as failed."


def _execution(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    row = _task(tx, decision)
    if given.choice == agreements.OPTIONS[0]:
        recording.requeue(tx, row, f"{given.by} lets it run", became="held")
        return f"{row['id']} runs."
    said = f": {given.comment}" if given.comment else ""
    recording.fail(tx, row, "not_agreed", f"{given.by} does not let it run{said}", reviewer=given.by)
    return f"{row['id']} does not run: it failed."


def _plan(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    row = _task(tx, decision)
    if given.choice == plan_review.OPTIONS[0]:
        count = plan_review.enter(tx, row, json.loads(decision["payload"]))
        return f"{row['id']} is split into {count} subtasks."
    said = f": {given.comment}" if given.comment else ""
    recording.requeue(tx, row, f"{given.by} has it run as one{said}", became="held")
    return f"{row['id']} runs as one."


def _proposed(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    if given.choice == proposals.OPTIONS[1]:
        return "Nothing was added."
    added = proposals.enter(tx, json.loads(decision["payload"]))
    return f"{len(added)} tasks are in the queue."


def _removal(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    if given.choice == "keep":
        return "Nothing was cancelled; the tasks are shown in the queue file again."
    cancelled = 0
    for task_id in json.loads(decision["payload"])["ids"]:
        row = tx.one("get_task", id=task_id)
        if row is not None and STATUS_OF_STATE[row["state"]] is Status.PENDING:
            steering.cancel(tx, task_id, given.by, "removed from the queue file")
            cancelled += 1
    return f"{cancelled} tasks are cancelled."


def _recovery(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    if given.choice == "wait":
        return "Nothing runs until you resume."
    tx.run("delete_meta", key="paused")
    tx.emit("daemon.resumed", reason=f"{given.by} accepted the rebuilt store", source=given.by)
    return "The rebuilt store is accepted; work goes on."


def _circuit_breaker(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    if given.choice == "wait":
        return "Nothing new is started until you resume."
    halting.reset_breaker(tx, given.by)
    return "The circuit breaker is reset; work goes on."


def _rollback(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    return "The files stay as the rollback that broke off left them."


def _budget(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    about = json.loads(decision["payload"])
    account = budgets.Account(about["scope"], about["name"], about["day"])
    if given.choice == "no":
        budgets.decline(tx, account, given.by)
        is_final = run_money.is_final(account, about.get("task", ""))
        follows = "what it cannot pay of its run fails" if is_final else "what waits for it goes on waiting"
        return f"The budget {account.limit} gets no more; {follows}."
    micros = about[f"{given.choice}_micros"]
    budgets.top_up(tx, account, micros, given.by)
    if account.scope == "task":
        ending.let_go(tx, account.limit)
    return f"The budget {account.limit} has {dollars_text(micros)} more."


def _ask(tx: Transaction, decision: sqlite3.Row, given: Answer, policy: AttemptPolicy) -> str:
    return run_questions.answered(tx, _task(tx, decision), given.choice, given.by, given.comment)


Action = Callable[[Transaction, sqlite3.Row, Answer, AttemptPolicy], str]
_ACTIONS: Final[dict[str, Action]] = {
    "review": _review,
    "interrupted": _interrupted,
    agreements.KIND: _execution,
    plan_review.KIND: _plan,
    proposals.KIND: _proposed,
    "removal": _removal,
    "recovery": _recovery,
    "circuit_breaker": _circuit_breaker,
    "budget": _budget,
    rollbacks.KIND: _rollback,
    asking.KIND: _ask,
}

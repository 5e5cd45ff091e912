"""What became of a run: its error as an exception that says which rule it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from skep_client.answers import Run, RunTask
from skep_client.errors import (
    NoAnswer,
    OverBudget,
    ReviewRejected,
    RunAborted,
    RunLost,
    RunNotCompleted,
    SafetyBlocked,
)

#: What holds a model call until a person gives it money, or its model a price, or until tomorrow.
_OF_MONEY = ("day", "total", "model:", "run:", "task:", "price:")
_KINDS: dict[str, type[RunNotCompleted]] = {
    "over_budget": OverBudget,
    "price_unknown": OverBudget,
    "budget_exceeded": OverBudget,
    "safety_blocked": SafetyBlocked,
    "rejected": ReviewRejected,
    "cancelled": RunAborted,
}
#: Codes of tasks that ended for another's sake.
_CONSEQUENCES = frozenset({"dependency_failed", "run_ended", "subtask_failed"})

_LOST = (
    "what it asked for and its answers were lost with the damaged database; start it anew, under another id "
    "and idempotency key"
)


def failure_of(run: Run) -> RunNotCompleted | None:
    """Why a run that has ended did not complete, or has no answers any more; none where it did and has."""
    if run.is_lost:
        return RunLost(run, "lost", _LOST)
    if run.state == "completed":
        return None
    told = run.error
    code, message = (told.code, told.message) if told else (run.state, f"the run is {run.state}")
    if run.state == "aborted":
        return RunAborted(run, code, message)
    for name, task in _failed(run):
        if task.error is not None:
            kind = _KINDS.get(task.error.code, RunNotCompleted)
            return kind(run, task.error.code, task.error.message, name)
    return RunNotCompleted(run, code, message)


def check(run: Run) -> None:
    """Raise `RunNotCompleted` where a run that has ended did not complete, or was lost."""
    failure = failure_of(run)
    if failure is not None:
        raise failure


def hold_of(run: Run) -> OverBudget | None:
    """What keeps a run waiting until a person lets it have money; none where nothing does."""
    for name, task in run.tasks.items():
        if task.held_by.startswith(_OF_MONEY):
            code = "price_unknown" if task.held_by.startswith("price:") else "over_budget"
            return OverBudget(run, code, task.waiting_for or f"it is held by {task.held_by}", name)
    return None


def is_whole(task: RunTask) -> bool:
    """Whether the beginning of its answer is all of it."""
    return not task.output_ref or len(task.output.encode("utf-8", "replace")) == task.output_bytes


def completed(run: Run, names: Sequence[str] = ()) -> Iterator[tuple[str, str, RunTask]]:
    """The tasks that have an answer, all or those of some ids, each with the task that gave it.

    That is the task itself, or its last round where it was done again.
    """
    for name, task in run.tasks.items():
        if task.state == "completed" and (not names or name in names):
            given_by = task.answer_of if task.answer_of in run.tasks else name
            yield name, given_by, run.tasks[given_by]


def text_of(run: Run, name: str, answers: Mapping[str, str]) -> str:
    """The answer of one task of a run that completed. Raises `NoAnswer`."""
    if name not in answers:
        raise missing(run, name)
    return answers[name]


def missing(run: Run, name: str) -> NoAnswer:
    """Why a task of a run that completed has no answer."""
    task = run.tasks.get(name)
    if task is None:
        return NoAnswer(run, name, "task_not_found", "the run has no such task")
    if task.error is None:
        return NoAnswer(run, name, task.state, f"it is {task.state}")
    became = "it failed" if task.state == "failed" else "it was skipped"
    return NoAnswer(run, name, task.error.code, f"{became}: {task.error.message}")


def _failed(run: Run) -> Iterator[tuple[str, RunTask]]:
    for name, task in run.tasks.items():
        if task.state == "failed" and (task.error is None or task.error.code not in _CONSEQUENCES):
            yield name, task

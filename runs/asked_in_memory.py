"""The tasks that an answer in a run in memory asks for, by the rules of `runs.asked_for`."""

from __future__ import annotations

from money import dollars_to_micros
from run_contract.errors import InvalidInput
from run_contract.records import Condition, Repeat, Run, RunTask, TaskInput
from runs import asked_for, task_shapes
from runs.asked_for import Refusal, Rights
from runs.request import TaskRequest
from runs.retrying import models_after
from runs.workflow import Rounds, When


def tasks_of(run: Run, task: RunTask, text: str, most_tokens: int) -> tuple[list[RunTask], list[Refusal]]:
    """The tasks that are to be added, and those that are refused; `most_tokens`: what it may answer with."""
    try:
        listed = asked_for.entries(text)
    except InvalidInput as error:
        return [], [Refusal("tasks", error.message)]
    if not listed:
        return [], []
    shapes = task_shapes.shapes_in_memory(run.tasks)
    rights = _rights(run, task, task_shapes.told_to(task.id, shapes), most_tokens)
    found = asked_for.screened(listed, rights, shapes, run.memory)
    room = run.policy.max_tasks - len(run.tasks)
    for place in [*found.tasks][max(0, room) :]:
        found.refuse(place, "", f"max_tasks allows {run.policy.max_tasks:,}")
    asked_for.check_deps(found, rights.told)
    return [run_task(each) for each in found.tasks.values()], found.refused


def _rights(run: Run, task: RunTask, told: frozenset[str], most_tokens: int) -> Rights:
    left = None if task.budget_micros is None else max(0, task.budget_micros - task.actual.micros)
    own = task.asked_first or task.asked or task.model
    longest = run.policy.timeout_ms if task.timeout_ms is None else task.timeout_ms
    return Rights(
        priority=task.priority,
        required=task.required,
        max_tokens=task.max_tokens or None,
        most_tokens=most_tokens,
        left_micros=left,
        told=told,
        model=task.model or None,
        role=task.role,
        models=frozenset((own, task.model, *models_after(run.policy, task, own))),
        timeout_ms=task.timeout_ms,
        longest_ms=longest or None,
        is_timed=bool(longest),
    )


def run_task(asked: TaskRequest) -> RunTask:
    """A task as a run in memory has it."""
    return RunTask(
        id=asked.id,
        inputs=TaskInput(asked.prompt or "", asked.inputs, asked.metadata),
        deps=list(dict.fromkeys(asked.deps)),
        model=asked.model or "",
        role=asked.model_role,
        priority=asked.priority,
        max_tokens=asked.max_tokens or 0,
        needs=asked.needs,
        required=asked.required,
        when=None if asked.when is None else _condition(asked.when),
        for_each=asked.for_each,
        repeat=None if asked.repeat is None else _repeat(asked.repeat),
        budget_micros=None if asked.budget is None else dollars_to_micros(asked.budget),
        subtree_micros=None if asked.subtree_budget is None else dollars_to_micros(asked.subtree_budget),
        timeout_ms=asked.timeout_ms,
        context=asked.context,
        may_add=asked.may_add,
        named=tuple(asked.outputs),
    )


def _condition(when: When) -> Condition:
    return Condition(when.of, when.test, str(when.value))


def _repeat(rounds: Rounds) -> Repeat:
    return Repeat(_condition(rounds.until), rounds.most, rounds.first, rounds.otherwise)

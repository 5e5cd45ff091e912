"""Rounds: a task, or a part of the graph that ends with it, is done again until its answer will do.

A round is a copy of the part, with ids of its own and the answer of the round before as ``{{previous}}``; the
task that asked for it waits for the end of the copy and gives what that gives. So every round is made of
ordinary tasks, with their own attempts, money and place in the graph.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from context import template
from run_contract.errors import InvalidInput, NoNumber
from run_contract.records import Condition, Dag, Repeat, Run, RunTask, TaskError, TaskInput, TaskResult
from runs import conditions

#: How a condition names the answer of the task itself.
_OWN_ANSWER: Final = re.compile(r"\{\{\s*output\s*\}\}")


def is_done(repeat: Repeat, result: TaskResult, values: dict[str, str]) -> bool:
    """Whether an answer will do. Raises `InvalidInput` where that cannot be told.

    One without the number that is asked for will not do, where the last answer is taken in the end.
    """
    try:
        return conditions.holds(repeat.until, values | {"output": result.output})
    except NoNumber:
        if repeat.otherwise == "take":
            return False
        raise


def used_up(task: RunTask, repeat: Repeat) -> TaskError | None:
    """Why a task fails whose rounds are used up; none where the last answer is taken."""
    if repeat.otherwise == "take":
        return None
    count = "1 round" if task.round == 1 else f"{task.round} rounds"
    until = replace(repeat.until, of=_OWN_ANSWER.sub("its answer", repeat.until.of))
    return TaskError("not_reached", f"{conditions.unmet(until)} after {count}")


def next_round(run: Run, task: RunTask, repeat: Repeat, result: TaskResult) -> dict[str, RunTask]:
    """The tasks of another round by those they stand for, the task itself last. Raises `InvalidInput`."""
    body = _body(run, task, repeat)
    names = {each.id: f"{_base(each)}.r{task.round + 1}" for each in body}
    found = {}
    for each in body:
        deps = [names.get(dep, dep) for dep in each.deps if dep not in (each.items or ())]
        own = conditions.fresh(each, names[each.id], deps)
        _rename(own, names)
        own.round = task.round + 1
        own.previous = result.output
        own.cache = False  # a round that takes the answer of the one before is none
        if each is task:
            first = None if repeat.first is None else names[repeat.first]
            own.repeat = Repeat(_renamed(repeat.until, names), repeat.most, first, repeat.otherwise)
        elif own.repeat is not None:
            raise InvalidInput(f"task {each.id} has rounds of its own within those of {task.id}")
        found[each.id] = own
    return found


def _rename(own: RunTask, names: dict[str, str]) -> None:
    """Let what a copy says of others of its round mean their copies."""
    if own.inputs is not None:
        prompt = template.renamed(own.inputs.prompt, names)
        own.inputs = TaskInput(prompt, own.inputs.inputs, own.inputs.metadata)
    if own.inner is not None:
        told = {name: template.renamed(text, names) for name, text in own.inner.inputs.items()}
        own.inner = replace(own.inner, inputs=told)
    if own.when is not None:
        own.when = _renamed(own.when, names)
    if isinstance(own.for_each, str):
        own.for_each = template.renamed(own.for_each, names)


def _renamed(condition: Condition, names: dict[str, str]) -> Condition:
    return Condition(template.renamed(condition.of, names), condition.test, condition.value)


def supersede(run: Run, task: RunTask, more: dict[str, RunTask]) -> None:
    """Let the answers of a round stand for those of the round before, once they are there."""
    for name, each in more.items():
        if name != task.id:
            run.tasks[name].later = each.id


def _base(task: RunTask) -> str:
    return task.id if task.round == 1 else task.id.rpartition(".r")[0]


def _body(run: Run, task: RunTask, repeat: Repeat) -> list[RunTask]:
    """The tasks of a round in the order in which they wait for each other, the repeated one last."""
    if repeat.first is None or repeat.first == task.id:
        return [task]
    if run.dag is None or repeat.first not in run.tasks:
        raise InvalidInput(f"there is no task {repeat.first} that a round could begin with")
    after = _reached(run.dag, repeat.first)
    before = {task.id}
    found = [task]
    for each in found:  # grows while it is read
        for dep in each.deps:
            if dep in after and dep not in before and run.tasks[dep].parent not in before:
                before.add(dep)
                found.append(run.tasks[dep])
    if repeat.first not in before:
        raise InvalidInput(f"task {task.id} does not wait for {repeat.first}, where a round should begin")
    return found[::-1]


def _reached(dag: Dag, first: str) -> set[str]:
    """The task, and all that wait for it in the end."""
    found = [first]
    seen = {first}
    for name in found:  # grows while it is read
        for after in dag.nodes[name].next:
            if after not in seen:
                seen.add(after)
                found.append(after)
    return seen

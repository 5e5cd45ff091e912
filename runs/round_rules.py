"""What rounds of a run must be before it is started: of tasks that are waited for, none within others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from run_contract.errors import InvalidInput
from runs.request import TaskRequest


def check(tasks: Sequence[TaskRequest]) -> frozenset[str]:
    """The ids of the tasks that are part of rounds. Raises `InvalidInput` with the path of the field."""
    deps = {task.id: task.deps for task in tasks}
    parts: set[str] = set()
    repeated = {task.id for task in tasks if task.repeat is not None}
    for number, task in enumerate(tasks):
        if task.repeat is None:
            continue
        path = f"tasks[{number}].repeat"
        if task.for_each is not None:
            raise InvalidInput(f"{path}: a task with for_each cannot be repeated", path=path)
        first = task.repeat.first or task.id
        if first not in reached(task.id, deps):
            told = f"{path}.first: {task.id} does not wait for {first}"
            raise InvalidInput(told, path=f"{path}.first")
        own = part(task.id, first, deps)
        inner = min(own & repeated - {task.id}, default=None)
        if inner is not None:
            raise InvalidInput(f"{path}: {inner} has rounds of its own within these", path=path)
        parts |= own
    return frozenset(parts)


def part(last: str, first: str, deps: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The tasks of a round that goes from one to another."""
    return frozenset(name for name in reached(last, deps) if first in reached(name, deps))


def reached(name: str, deps: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """A task, and all that it waits for in the end, as far as they are told here."""
    found, left = {name}, [name]
    while left:
        more = [dep for dep in deps.get(left.pop(), ()) if dep not in found]
        found.update(more)
        left += more
    return frozenset(found)

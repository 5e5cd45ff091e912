"""What rounds of a run must be before it is started: none within others; and who waits for their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from run_contract.errors import InvalidInput
from runs import round_waits
from runs.request import TaskRequest
from store.records import NewTask
from store.runs import NewRunTask


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
    before = reached(last, deps)
    after: dict[str, list[str]] = {}
    for name in before:
        for dep in deps.get(name, ()):
            after.setdefault(dep, []).append(name)
    return reached(first, after) & before


def reached(name: str, deps: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """A task, and all that it waits for in the end, as far as they are told here."""
    found, left = {name}, [name]
    while left:
        more = [dep for dep in deps.get(left.pop(), ()) if dep not in found]
        found.update(more)
        left += more
    return frozenset(found)


def waiting(made: list[NewRunTask], tasks: Sequence[TaskRequest], run_id: str) -> list[NewRunTask]:
    """Have those wait for the end of rounds that depend on a part of them (`round_waits`)."""
    firsts = {task.id: task.repeat.first or task.id for task in tasks if task.repeat is not None}
    rounds = {name: first for name, first in firsts.items() if first != name}
    waits = round_waits.beside({task.id: task.deps for task in tasks}, rounds) if rounds else {}
    return [also(each, waits.get(each.id, ()), run_id) for each in made]


def also(made: NewRunTask, ends: Sequence[str], run_id: str) -> NewRunTask:
    """A task that waits for the end of these of its run as well."""
    return replace(made, new=_also(made.new, ends, run_id)) if ends else made


def _also(new: NewTask, ends: Sequence[str], run_id: str) -> NewTask:
    """A task of the road that waits for these of its run as well."""
    waits_for = [*new.task.depends_on, *(f"{run_id}:{name}" for name in ends)]
    task = new.task.model_copy(update={"depends_on": waits_for})
    return replace(new, task=task, doc={**new.doc, "depends_on": waits_for})

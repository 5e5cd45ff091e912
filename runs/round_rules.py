"""What rounds of a run must be before it is started: none within others; and who waits for their end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from run_contract import fitting
from run_contract.errors import InvalidInput
from run_contract.shapes import Shape, deps_of, part, reached
from runs.request import TaskRequest
from runs.task_shapes import shapes_of
from store import runs
from store.runs import NewRunTask


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a task cannot be repeated as it asks to be."""

    #: the place of the task among those that are asked for
    number: int
    field: str
    #: for a person
    reason: str


def check(tasks: Sequence[TaskRequest], there: Mapping[str, Shape] | None = None) -> frozenset[str]:
    """The ids of the tasks that are part of rounds. Raises `InvalidInput` with the path of the field.

    `there`: the tasks of the run that these are added to.
    """
    for each in wrong(tasks, there):
        path = f"tasks[{each.number}].{each.field}"
        raise InvalidInput(f"{path}: {each.reason}", path=path)
    return repeated(tasks, there)


def repeated(tasks: Sequence[TaskRequest], there: Mapping[str, Shape] | None = None) -> frozenset[str]:
    """The ids of the tasks that are part of the rounds of some of these."""
    fresh = shapes_of(tasks)
    deps = deps_of({**(there or {}), **fresh})
    own = (part(name, each.first, deps) for name, each in fresh.items() if each.first is not None)
    return frozenset().union(*own)


def wrong(tasks: Sequence[TaskRequest], there: Mapping[str, Shape] | None = None) -> Iterator[Wrong]:
    """What cannot be repeated as it asks to be, whatever else is added to the run."""
    fresh, known = shapes_of(tasks), there or {}
    deps = deps_of({**known, **fresh})
    ends = {name for name, each in fresh.items() if each.first is not None}
    for number, task in enumerate(tasks):
        if task.repeat is None:
            continue
        first = task.repeat.first or task.id
        if task.for_each is not None:
            yield Wrong(number, "repeat", "a task with for_each cannot be repeated")
            continue
        if first not in reached(task.id, deps):
            yield Wrong(number, "repeat.first", f"{task.id} does not wait for {first}")
            continue
        own = part(task.id, first, deps)
        inner = min(own & ends - {task.id}, default=None)
        if inner is not None:
            yield Wrong(number, "repeat", f"{inner} has rounds of its own within these")
        elif (
            copy := min((name for name in own & known.keys() if known[name].part_of), default=None)
        ) is not None:
            yield Wrong(number, "repeat", _of_a_copy(copy, known[copy].part_of))


def _of_a_copy(name: str, owner: str | None) -> str:
    return (
        f"{name} is an item or a round of {owner}, of which there are no rounds of its own; let these begin "
        "later"
    )


def waiting(made: list[NewRunTask], tasks: Sequence[TaskRequest], run_id: str) -> list[NewRunTask]:
    """Have those wait for the end of rounds that depend on a part of them (`round_waits`)."""
    return runs.waiting(made, run_id, fitting.waits(shapes_of(tasks), {}))

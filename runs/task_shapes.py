"""Tasks of requests and of runs in memory as shapes, and what those of a run in memory must be. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from run_contract.errors import DagInvalid
from run_contract.fitting import misfits
from run_contract.records import RunTask
from run_contract.shapes import Shape, deps_of, reached
from runs.request import TaskRequest


def shapes_of(tasks: Sequence[TaskRequest]) -> dict[str, Shape]:
    """Tasks as they are asked for, as shapes by their ids."""
    return {
        task.id: Shape(
            task.deps,
            task.for_each is not None,
            None if task.repeat is None else task.repeat.first or task.id,
        )
        for task in tasks
    }


def shapes_in_memory(tasks: Mapping[str, RunTask]) -> dict[str, Shape]:
    """Tasks of a run in memory as shapes; what a task became is none of its dependencies."""
    items = {item for task in tasks.values() for item in task.items or ()}
    return {
        name: Shape(
            [dep for dep in task.deps if dep not in (task.items or ())],
            task.for_each is not None,
            None if task.repeat is None else task.repeat.first or name,
            task.parent if task.round > 1 or name in items else None,
        )
        for name, task in tasks.items()
    }


def check(tasks: Mapping[str, RunTask]) -> None:
    """Raise `DagInvalid` for a task of a run in memory whose id another needs, and for crossing rounds."""
    for misfit in misfits(shapes_in_memory(tasks)).values():
        raise DagInvalid(misfit.reason)


def told_to(name: str, shapes: Mapping[str, Shape]) -> frozenset[str]:
    """A task, and all whose answers went into what it was told."""
    return reached(name, deps_of(shapes))

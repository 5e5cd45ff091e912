"""How a run grows while it runs: tasks that are added, and tasks that become one for each item of a list.

A run is held to its limits whoever adds: so many tasks, so many items, so deep. What is refused changes
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from run_contract import kept_ids
from run_contract.errors import DagCycle, DagInvalid, InvalidInput
from run_contract.fitting import misfits
from run_contract.records import ENDED, Run, RunTask, TaskResult, TaskState
from run_contract.shapes import Shape
from runs.contracts import DependencyResolver
from runs.dependency_resolver import enter
from runs.task_shapes import shapes_in_memory


def add(run: Run, tasks: Sequence[RunTask], parent: RunTask | None, resolver: DependencyResolver) -> None:
    """Put tasks into a run that runs, as children of `parent` where a task adds them.

    They wait for rounds that they depend on a part of as if they had been there from the start. Raises
    `InvalidInput` over a limit, `DagInvalid`, `DepNotFound`, `DagCycle`.
    """
    _put(run, tasks, parent, resolver, _fitting(run, tasks))


def _fitting(run: Run, tasks: Sequence[RunTask]) -> dict[str, Shape]:
    """What there is of the run, as far as it matters to tasks that are added. Raises `DagInvalid`."""
    fresh = shapes_in_memory({task.id: task for task in tasks})
    grows = any(each.is_list or each.first is not None for each in fresh.values())
    is_kept = any(owner in run.tasks for name in fresh for owner in kept_ids.may_own(name))
    goes_on = run.dag is not None and run.dag.rounds
    there = shapes_in_memory(run.tasks) if grows or is_kept or goes_on else {}
    for misfit in misfits(fresh, there).values():
        raise DagInvalid(f"added tasks: {misfit.reason}")
    return there


def _put(
    run: Run,
    tasks: Sequence[RunTask],
    parent: RunTask | None,
    resolver: DependencyResolver,
    there: Mapping[str, Shape] | None = None,
) -> None:
    depth = 0 if parent is None else parent.depth + 1
    _check_limits(run, tasks, depth)
    _check_no_circle(tasks, resolver)
    for task in tasks:
        task.depth = depth
        task.parent = None if parent is None else parent.id
    enter(run, tasks, resolver, there)


def _check_limits(run: Run, tasks: Sequence[RunTask], depth: int) -> None:
    policy = run.policy
    count = len(run.tasks) + len(tasks)
    if count > policy.max_tasks:
        raise InvalidInput(f"the run would have {count:,} tasks; max_tasks allows {policy.max_tasks:,}")
    if depth > policy.max_depth:
        raise InvalidInput(f"tasks would be added {depth} deep; max_depth allows {policy.max_depth}")
    for task in tasks:
        if task.state is not TaskState.PENDING or task.inputs is None:
            raise InvalidInput(f"task {task.id} must be new and have an input")


def _check_no_circle(tasks: Sequence[RunTask], resolver: DependencyResolver) -> None:
    """New tasks can only wait in a circle among themselves, since nobody waits for them yet."""
    names = {task.id for task in tasks}
    inner = [RunTask(id=task.id, deps=[dep for dep in task.deps if dep in names]) for task in tasks]
    try:
        resolver.validate(resolver.build_dag(inner))
    except DagCycle as error:
        raise DagCycle(f"added tasks: {error.message}") from error


def expand(
    run: Run,
    task: RunTask,
    children: Sequence[RunTask],
    resolver: DependencyResolver,
    waits_for: Sequence[str] | None = None,
) -> None:
    """Let a task become others; it waits for all of them, or for those that are named. Raises as `add`."""
    parent = run.tasks[task.parent] if task.round > 1 and task.parent is not None else task
    _put(run, children, parent, resolver)
    assert run.dag is not None  # noqa: S101  `_put` made one
    names = [child.id for child in children] if waits_for is None else list(waits_for)
    node = run.dag.nodes[task.id]
    for name in names:
        run.dag.nodes[name].next.append(task.id)
        run.dag.edges[name].append(task.id)
    node.deps.extend(names)
    node.pending = len(names)
    task.deps.extend(names)
    task.items = names
    task.state = TaskState.PENDING


def lost_dependency(run: Run, task: RunTask) -> str | None:
    """A task that has ended so that this one can never start; none where it may."""
    tasks = run.tasks
    ends = [tasks[dep] for dep in task.deps if dep in tasks and tasks[dep].state in ENDED]
    lost = [each.id for each in ends if each.state is not TaskState.COMPLETED]
    if task.needs == "any" and len(lost) < len(task.deps):
        return None
    return lost[0] if lost else None


def joined(run: Run, task: RunTask) -> TaskResult:
    """What a task gives that became others: the answer of its last round, or those of its items.

    Those of items are a JSON array, and each by its number.
    """
    tasks = run.tasks
    if task.for_each is None and task.items:
        last = tasks[task.items[0]].outputs
        return TaskResult("") if last is None else TaskResult(last.output, last.outputs)
    found = {
        str(number): each.outputs.output
        for number, name in enumerate(task.items or (), 1)
        if (each := tasks[name]).state is TaskState.COMPLETED and each.outputs is not None
    }
    return TaskResult(json.dumps(list(found.values()), ensure_ascii=False), found)

"""Runs within a run in memory: how many there may be and how deep, how one begins, and what it gives. Pure.

A run within a run has its own policy and graph, and counts against what stands above it. It is named by the
task whose work it does, ``RUN:TASK``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from context import template
from run_contract.errors import InvalidInput, InvalidResult
from run_contract.policy import RunPolicy
from run_contract.records import InnerRun, Run, RunTask, TaskError, TaskInput, TaskResult, TaskState
from runs import conditions
from runs.contracts import DependencyResolver
from runs.dependency_resolver import enter

#: Runs within a run that may be asked for, and how deep they may stand whatever its policy.
MOST_NESTED: Final = 200
MOST_DEEP: Final = 8
#: Steps that are told of where none of them gave an answer.
_SHOWN: Final = 5


def check_depth(policy: RunPolicy, depth: int) -> None:
    """Raise `InvalidInput` where a run that stands so deep, 0 for the outermost, may have none within it."""
    if depth >= min(policy.max_depth, MOST_DEEP):
        raise InvalidInput(f"runs within runs stand too deep (max_depth {policy.max_depth})")


def all_in(run: Run, tasks: Iterable[RunTask]) -> Iterator[InnerRun]:
    """The runs that stand within these tasks of a run, at any depth, as they begin.

    Raises `InvalidInput` where they stand too deep or are too many, one is missing, or a policy does not go
    with them.
    """
    depth = sum(1 for _ in run.line_above())
    left = [(task, run.policy, depth) for task in tasks if task.is_run or task.inner is not None]
    count = 0
    while left:
        task, policy, depth = left.pop()
        if task.inner is None:
            raise InvalidInput(f"task {task.id} is done by a run that is not given (inner)")
        _check_may_hold(policy, depth)
        count += 1
        if count > MOST_NESTED:
            raise InvalidInput(f"there are more than {MOST_NESTED} runs within the run")
        inner = task.inner
        _check_goes_within(inner.policy)
        yield inner
        left += [(each, inner.policy, depth + 1) for each in inner.tasks if each.is_run or each.inner]


def check_added(run: Run, tasks: Iterable[RunTask], resolver: DependencyResolver) -> None:
    """Raise `RunError` where the runs within tasks that are added to a run could not go on."""
    for inner in all_in(run, tasks):
        resolver.validate(resolver.build_dag(inner.tasks))


def _check_may_hold(policy: RunPolicy, depth: int) -> None:
    check_depth(policy, depth)
    if policy.mode == "batch":
        raise InvalidInput("policy.mode: batch is for comparison, and has no runs within runs")


def _check_goes_within(policy: RunPolicy) -> None:
    if policy.mode == "batch":
        raise InvalidInput("policy.mode: batch is for comparison; a run within a run goes on when it can")


def begin(
    run: Run, task: RunTask, inner: InnerRun, values: Mapping[str, str], resolver: DependencyResolver
) -> Run:
    """The run that does a task, with the references in its inputs filled in. Raises `InvalidInput`."""
    check_depth(run.policy, sum(1 for _ in run.line_above()))
    inputs = {name: template.render(text, values) for name, text in inner.inputs.items()}
    made = Run(f"{run.id}:{task.id}", inner.policy, memory=dict(inner.memory), above=(run, task))
    made.books = run.books  # a call is reserved in every budget above it or in none
    made.foreign = frozenset(foreign_inputs(inner.inputs, run.foreign))
    enter(made, [_fresh(each, inputs) for each in inner.tasks], resolver)
    task.child = made
    return made


def _fresh(task: RunTask, inputs: Mapping[str, str]) -> RunTask:
    own = conditions.fresh(task, task.id, task.deps)
    given = task.inputs
    if given is not None:
        own.inputs = TaskInput(given.prompt, {**given.inputs, **inputs}, given.metadata)
    return own


def foreign_inputs(inputs: Mapping[str, str], foreign_above: Collection[str]) -> tuple[str, ...]:
    """The inputs that hold words of other tasks, which are told in envelopes: all but what a person wrote.

    `foreign_above`: those of the run above that do.
    """
    own = {f"inputs.{name}" for name in foreign_above}
    return tuple(
        name
        for name, text in inputs.items()
        if any(not each.startswith("inputs.") or each in own for each in template.references(text))
    )


def result_of(run: Run, inner: InnerRun) -> TaskResult:
    """What a run that completed gives: the answer of the named step, or those of the last ones.

    Of a step that was done again it is that of its last round. Where one step gives it, its named outputs go
    with it. Raises `InvalidResult` where none of them completed.
    """
    names = giving({task.id: task.deps for task in inner.tasks}, inner.output)
    given = [name for name in names if run.tasks[name].state is TaskState.COMPLETED]
    if not given:
        ends = [End(name, str(task.state), _why(task)) for name in names for task in (run.tasks[name],)]
        raise InvalidResult(lacking(run.id, inner.output, ends))
    answers = [run.answering(name) for name in given]
    last = [each.outputs or TaskResult("") for each in answers if each is not None]
    return TaskResult(joined(each.output for each in last), last[0].outputs if len(last) == 1 else {})


def giving(steps: Mapping[str, Iterable[str]], named: str | None) -> list[str]:
    """The steps of a workflow, each with those it waits for, whose answers are its output.

    They are the one that is named, or those that no other waits for; what was added while it ran is none.
    """
    waited_for = {dep for deps in steps.values() for dep in deps}
    return [named] if named is not None else [name for name in steps if name not in waited_for]


@dataclass(frozen=True, slots=True)
class End:
    """How a step ended that did not complete."""

    name: str
    state: str
    #: for a person
    reason: str

    def __str__(self) -> str:
        was = "was skipped" if self.state == TaskState.SKIPPED else "failed"
        return f"{self.name} {was} ({self.reason})"


def lacking(run_id: str, named: str | None, ends: Sequence[End]) -> str:
    """Why a run that completed has no answer for the task whose work it did."""
    what = "any of its last steps" if named is None else f"{named}, which is its output"
    shown = [str(end) for end in ends[:_SHOWN]]
    more = [f"{len(ends) - _SHOWN:,} more"] if len(ends) > _SHOWN else []
    return f"its run {run_id} completed without an answer of {what}: {', '.join([*shown, *more])}"


def _why(task: RunTask) -> str:
    return str(task.state) if task.error is None else task.error.message


def joined(texts: Iterable[str]) -> str:
    """Several answers as a JSON array, and one as it is."""
    found: Sequence[str] = list(texts)
    if len(found) == 1:
        return found[0]
    return json.dumps(found, ensure_ascii=False) if found else ""


def failure_of(run: Run) -> TaskError:
    """The error of a task whose run ended without completing."""
    code = run.state if run.error is None else run.error.code
    told = run.state if run.error is None else run.error.message
    return TaskError(str(code), f"its run {run.id} {run.state}: {told}")

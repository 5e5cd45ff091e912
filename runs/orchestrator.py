"""Runs a run to its end in memory: what is ready is admitted, what ends is settled, until nothing is left.

A task starts the moment its dependencies, a slot and the budgets are there. The order of admission is fixed
(priority, then id), one thread makes every decision, and the decisions themselves are pure and stand in
`runs.admission`, `runs.retrying`, `runs.scheduler`, `runs.conditions`, `runs.growth` and
`cost.budget_enforcer`, which a run whose tasks stand in the store can use as they are. What must never break:
every task ends, every end is told, what was spent is booked, and a slot is free only when its work has ended.
"""

from __future__ import annotations

from collections.abc import Iterable

from run_contract.errors import InvalidInput, ModelUnknown, RunCompleted
from run_contract.policy import ROLES, RunPolicy
from run_contract.records import ENDED, InnerRun, Run, RunState, RunTask
from runs import task_shapes, within
from runs.control import RunControl
from runs.family import Family
from runs.parts import Parts


class Orchestrator:
    """Runs runs, one at a time; it keeps nothing of them."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def run(self, run: Run | None, control: RunControl | None = None) -> Run:
        """The run, when everything in it has ended; `state` and `error` say how.

        Raises `InvalidInput` for no run or no graph, and for runs within it that cannot be, `RunCompleted`
        for one that was run before, `DagInvalid` or `DagCycle` for a graph that is none, and `ModelUnknown`
        for fallbacks of a model that nobody knows, which fail the run. What goes wrong afterwards is told by
        the run, not raised.
        """
        if run is None or run.dag is None:
            raise InvalidInput("no run to run" if run is None else f"run {run.id} has no graph")
        if run.state is not RunState.PENDING:
            raise RunCompleted(f"run {run.id} is {run.state} already")
        self._check(run)
        run.ended = sum(task.state in ENDED for task in run.tasks.values())
        return Family(self.parts, run, control or RunControl()).go()

    def close(self) -> None:
        """Let the threads go."""
        self.parts.executor.close()

    def _check(self, run: Run) -> None:
        try:
            self.parts.resolver.validate(run.dag)
            task_shapes.check(run.tasks)
            self._check_fallbacks(run.policy, run.tasks.values())
            for inner in within.all_in(run, run.tasks.values()):
                self._check_inner(inner)
        except Exception:
            run.state = RunState.FAILED
            raise

    def _check_inner(self, inner: InnerRun) -> None:
        self.parts.resolver.validate(self.parts.resolver.build_dag(inner.tasks))
        task_shapes.check({task.id: task for task in inner.tasks})
        self._check_fallbacks(inner.policy, inner.tasks)

    def _check_fallbacks(self, policy: RunPolicy, tasks: Iterable[RunTask]) -> None:
        """Raise `ModelUnknown` for fallbacks of what is no role and no model."""
        named = {*ROLES, *(task.model for task in tasks)}
        for key in policy.fallbacks:
            if key in named:
                continue
            try:
                self.parts.calculator.worst_case((), key, 0)
            except ModelUnknown as error:
                path = f"policy.fallbacks.{key}"
                told = (
                    f"{path}: {key!r} is no role ({', '.join(ROLES)}) and no model of the run or the prices"
                )
                raise ModelUnknown(told, path=path) from error

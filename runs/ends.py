"""The ends of tasks and of the run, and what follows from them.

A failure stops the run, or what needs the failed task is skipped and the rest goes on, as the policy says. A
run that stops asks what runs to end and skips what has not begun, so that every task ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from run_contract.errors import InvalidResult
from run_contract.needing import did_not_complete
from run_contract.records import InnerRun, Run, RunState, RunTask, TaskError, TaskResult, TaskState
from runs import growth, within
from runs.board import WAITING, Board
from runs.scheduler import Released


class Ends:
    """Ends the tasks of one run."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def complete(self, task: RunTask, result: TaskResult) -> None:
        """A task completed: its answer is routed, and those who waited for it are let go."""
        board = self._board
        released = board.parts.scheduler.mark_complete(board.run, task.id, result)
        task.ended_at = board.parts.clock.monotonic()
        board.tell.task_completed(task)
        node = board.run.dag.nodes.get(task.id) if board.run.dag is not None else None
        route = board.parts.router.route
        for name in node.next if node is not None else ():
            if name in board.tasks:
                route(board.run, task.id, name, result)
        self._follow(released)

    def fail(self, task: RunTask, error: TaskError) -> None:
        """A task failed; the policy says what becomes of the run."""
        board = self._board
        released = board.parts.scheduler.mark_failed(board.run, task.id, error)
        self._tell_failed(task)
        self._follow(released)
        lost = [*released.failed, *released.skipped]
        if not counts(board.run, [task, *(board.tasks[name] for name in lost)]):
            return
        named = board.tasks[released.failed[-1]] if released.failed else task  # whose rounds they were
        why = named.error or error
        failure = TaskError(why.code, f"task {named.id}: {why.message}")
        board.failure = board.failure or failure
        if board.outcome is None and board.run.policy.on_failure != "continue":
            self.stop(RunState.FAILED, failure)

    def _tell_failed(self, task: RunTask) -> None:
        board, error = self._board, task.error
        task.ended_at = board.parts.clock.monotonic()
        told = {} if error is None else {"code": error.code, "reason": error.message}
        board.tell("task.failed", task.id, **told,
                   tokens=task.actual.tokens, cost_micros=task.actual.micros)  # fmt: skip

    def skip(self, task: RunTask, why: TaskError) -> None:
        """A task will never start, nor will who needs it."""
        released = self._board.parts.scheduler.mark_skipped(self._board.run, task.id, why)
        self._board.tell.skipped([task.id])
        self._follow(released)

    def _follow(self, released: Released) -> None:
        for name in released.failed:
            self._tell_failed(self._board.tasks[name])
        self._board.tell.skipped(released.skipped)
        self._board.enqueue(released.ready)

    def add(self, tasks: Sequence[RunTask], parent: RunTask | None) -> None:
        """Tasks are added to the run. Raises as `growth.add`."""
        within.check_added(self._board.run, tasks, self._board.parts.resolver)
        growth.add(self._board.run, tasks, parent, self._board.parts.resolver)
        self.welcome(tasks)

    def welcome(self, tasks: Sequence[RunTask]) -> None:
        """Tell of new tasks, let those start that wait for nothing, and skip those that wait in vain."""
        board = self._board
        for task in tasks:
            board.tell("task.added", task.id, parent=task.parent)
            self._route_what_is_there(task)
        for task in tasks:
            lost = growth.lost_dependency(board.run, task)
            if task.state not in WAITING:
                continue
            if lost is not None:
                self.skip(task, TaskError("dependency_failed", did_not_complete(lost)))
            elif board.run.dag is not None and board.run.dag.nodes[task.id].pending == 0:
                board.enqueue([task.id])

    def _route_what_is_there(self, task: RunTask) -> None:
        board = self._board
        for name in task.deps:
            source = board.tasks.get(name)
            if source is not None and source.state is TaskState.COMPLETED:
                board.parts.router.route(board.run, name, task.id, source.outputs)

    def stop(self, state: RunState, error: TaskError) -> None:
        """End the run: what runs is asked to end, what has not begun never will."""
        board = self._board
        board.outcome = (state, error)
        for name in list(board.flying):
            board.parts.executor.stop(name, board.run.id)
        rest = board.parts.scheduler.skip_rest(board.run, _withdrawn(error))
        for name in rest.failed:
            self._tell_failed(board.tasks[name])
        board.tell.skipped(rest.skipped)

    def end_with_its_run(self, task: RunTask, child: Run) -> None:
        """The run that does a task has ended: so does the task."""
        if child.state is RunState.COMPLETED and task.inner is not None:
            self._complete_with(task, task.inner, child)
        else:
            self.fail(task, self.stopped() or within.failure_of(child))

    def stopped(self) -> TaskError | None:
        """How what was begun ends while the run is ending: as an attempt that was asked to; none before."""
        outcome = self._board.outcome
        if outcome is None or outcome[1] is None:
            return None
        return TaskError("cancelled", _withdrawn(outcome[1]).message)

    def _complete_with(self, task: RunTask, inner: InnerRun, child: Run) -> None:
        try:
            result = within.result_of(child, inner)
        except InvalidResult as error:
            self.fail(task, TaskError(error.code, error.message))
        else:
            self.complete(task, result)


def _withdrawn(error: TaskError) -> TaskError:
    """Why a task ends whose run ends for this."""
    is_told = error.code == "cancelled"
    return error if is_told else TaskError("run_ended", f"the run ended: {error.message}")


def counts(run: Run, lost: Sequence[RunTask]) -> bool:
    """Whether the run fails with these tasks: all count, or by the policy those that are required."""
    return run.policy.on_failure != "required" or any(task.required for task in lost)

"""What an end sets free: the states of tasks, and who may start or never will.

Every end of a task goes through here. The caller is one thread. What becomes ready is handed back
as it happens, so nobody has to look at the whole graph for it; `next_ready` does, for the start of a run and
for one that is taken up again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from run_contract.errors import DagInvalid, InvalidInput, RunCompleted, TaskNotFound, TaskNotReady
from run_contract.needing import did_not_complete, was_skipped
from run_contract.records import (
    ENDED,
    Dag,
    Run,
    RunState,
    RunTask,
    TaskError,
    TaskResult,
    TaskState,
)

_WAITING = (TaskState.PENDING, TaskState.READY)


@dataclass(slots=True)
class Released:
    """What an end led to."""

    #: tasks that nothing holds any more
    ready: list[str] = field(default_factory=list)
    #: tasks that can never start now, in the order they were found
    skipped: list[str] = field(default_factory=list)
    #: tasks that fail with it: each was done, and waited for the end of a further round of itself
    failed: list[str] = field(default_factory=list)


class Scheduler:
    """Moves tasks of runs from state to state. Keeps nothing itself."""

    def next_ready(self, run: Run | None) -> list[str]:
        """The tasks that could start, sorted by id.

        Raises `InvalidInput`, `RunCompleted` for a run that is not running, `DagInvalid`.
        """
        dag = _dag_of(run)
        tasks = run.tasks if run is not None else {}
        if not tasks:
            return []
        return sorted(
            name
            for name, node in dag.nodes.items()
            if node.pending == 0 and name in tasks and tasks[name].state in _WAITING
        )

    def mark_complete(self, run: Run | None, task_id: str, result: TaskResult | None) -> Released:
        """A task completed with this result. Raises as `next_ready`, `TaskNotFound`, `TaskNotReady`."""
        task = _open_task(run, task_id)
        task.outputs = result
        return self._end(run, task, TaskState.COMPLETED)

    def mark_failed(self, run: Run | None, task_id: str, error: TaskError) -> Released:
        """A task failed; who needs it will be skipped. Raises as `mark_complete`."""
        task = _open_task(run, task_id)
        task.error = error
        return self._end(run, task, TaskState.FAILED)

    def mark_skipped(self, run: Run | None, task_id: str, why: TaskError) -> Released:
        """A task will never start, nor will who needs it. Raises as `mark_complete`."""
        task = _open_task(run, task_id)
        task.error = why
        return self._end(run, task, TaskState.SKIPPED)

    def skip_rest(self, run: Run, why: TaskError) -> Released:
        """Skip every task that has not begun; one that waits for those it became fails as cancelled."""
        released = Released()
        for name, task in run.tasks.items():
            if task.state not in _WAITING:
                continue
            run.ended += 1
            if task.items is None:
                task.state, task.error = TaskState.SKIPPED, why
                released.skipped.append(name)
            else:
                task.state, task.error = TaskState.FAILED, TaskError("cancelled", why.message)
                released.failed.append(name)
        return released

    def _end(self, run: Run | None, task: RunTask, state: TaskState) -> Released:
        """End a task, and with it all that can never start now; breadth first, so by distance, then by id."""
        assert run is not None  # noqa: S101  `_open_task` refused otherwise
        assert run.dag is not None  # noqa: S101
        released = Released()
        task.state = state
        run.ended += 1
        if state is TaskState.COMPLETED:
            self._let_go(run, task, released)
            return released
        fallen = [task]
        for each in fallen:  # grows while it is read
            doomed = self._let_go(run, each, released)
            for name in sorted(doomed):
                found = run.tasks[name]
                self._fall(found, each, task, released)
                run.ended += 1
                fallen.append(found)
        return released

    @staticmethod
    def _fall(found: RunTask, needed: RunTask, task: RunTask, released: Released) -> None:
        """End a task that needs one which did not complete, since `task` did not.

        It never started, or its rounds end with it.
        """
        if found.is_in_rounds and task.state is TaskState.FAILED and task.error is not None:
            told = f"{task.error.message} ({task.id}, in its rounds)"
            found.state, found.error = TaskState.FAILED, TaskError(task.error.code, told)
            released.failed.append(found.id)
        else:
            found.state, found.error = TaskState.SKIPPED, _skipped_for(needed, task)
            released.skipped.append(found.id)

    @staticmethod
    def _let_go(run: Run, task: RunTask, released: Released) -> list[str]:
        """Count an end down for those who wait for it; the names of those that can never start now."""
        doomed: list[str] = []
        nodes, tasks = _dag_of(run).nodes, run.tasks
        completed = task.state is TaskState.COMPLETED
        own = nodes.get(task.id)
        for name in own.next if own is not None else ():
            node = nodes.get(name)
            if node is None or node.pending <= 0:
                continue
            node.pending -= 1
            if completed and node.pending:
                continue
            waiting = tasks.get(name)
            if waiting is None or waiting.state not in _WAITING:
                continue
            if not completed and (waiting.needs == "all" or waiting.is_in_rounds):
                doomed.append(name)
            elif node.pending == 0:
                _free(run, waiting, released, doomed)
        for name in own.beside if own is not None else ():
            nodes[name].pending -= 1
            if nodes[name].pending == 0 and tasks[name].state in _WAITING:
                _free(run, tasks[name], released, doomed)
        return doomed


def _free(run: Run, waiting: RunTask, released: Released, doomed: list[str]) -> None:
    """A task waits for nothing any more: it may start, unless it needs one of those that ended so."""
    if waiting.needs == "any" and not _any_completed(run, waiting):
        doomed.append(waiting.id)
    else:
        released.ready.append(waiting.id)


def _any_completed(run: Run, task: RunTask) -> bool:
    tasks = run.tasks
    return any(tasks[dep].state is TaskState.COMPLETED for dep in task.deps if dep in tasks)


def _skipped_for(needed: RunTask, task: RunTask) -> TaskError:
    if task.state is TaskState.FAILED:
        return TaskError("dependency_failed", did_not_complete(needed.id))
    return TaskError("dependency_skipped", was_skipped(needed.id))


def _dag_of(run: Run | None) -> Dag:
    if run is None:
        raise InvalidInput("no run to schedule")
    if run.state is not RunState.RUNNING:
        raise RunCompleted(f"run {run.id} is {run.state}")
    if run.dag is None or run.dag.nodes is None:
        raise DagInvalid(f"run {run.id} has no graph")
    return run.dag


def _open_task(run: Run | None, task_id: str) -> RunTask:
    """A task that has not ended, of a run that runs."""
    _dag_of(run)
    task = run.tasks.get(task_id) if run is not None else None
    if task is None:
        raise TaskNotFound(f"{task_id} is no task of the run")
    if task.state in ENDED:
        raise TaskNotReady(f"task {task_id} is {task.state} already")
    return task

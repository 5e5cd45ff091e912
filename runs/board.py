"""Where one run stands while it is driven: what waits, what runs, and how it will end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from run_contract.records import Run, RunState, TaskError, TaskState
from runs.admission import Prepared
from runs.parts import Parts
from runs.settling import Settling
from runs.telling import Teller

#: States in which a task may still start.
WAITING: Final = (TaskState.PENDING, TaskState.READY)


class Board:
    """The state of one drive. Only the run's thread looks at it."""

    def __init__(self, parts: Parts, run: Run) -> None:
        self.parts = parts
        self.run = run
        self.tasks = run.tasks
        self.tell = Teller(run, parts)
        self.settling = Settling(parts, run, self.tell)
        #: what could start, and what a budget could not pay yet
        self.queue = parts.make_queue()
        self.held = parts.make_queue()
        #: attempts that are ready but for the money, and those that run
        self.prepared: dict[str, Prepared] = {}
        self.flying: dict[str, Prepared] = {}
        #: (monotonic seconds, id) of tasks that wait for another attempt, a heap
        self.later: list[tuple[float, str]] = []
        #: how the run ends, once that is known
        self.outcome: tuple[RunState, TaskError | None] | None = None
        #: the first failure that counts
        self.failure: TaskError | None = None

    def enqueue(self, names: Iterable[str]) -> None:
        """Let tasks start as soon as they can."""
        for name in names:
            task = self.tasks.get(name)
            if task is not None and task.state in WAITING:
                task.state = TaskState.READY
                self.queue.enqueue(name, task.priority)

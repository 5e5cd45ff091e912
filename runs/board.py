"""Where one run stands while it is driven: what waits, what runs, and how it will end.

The boards of a run and of all runs within it know each other, since they share slots and money.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal

from run_contract.records import Run, RunState, TaskError, TaskState
from runs.admission import Prepared
from runs.control import RunControl
from runs.parts import Parts
from runs.settling import Settling
from runs.telling import Teller

#: States in which a task may still start.
WAITING: Final = (TaskState.PENDING, TaskState.READY)


class Board:
    """The state of one drive. Only the run's thread looks at it."""

    def __init__(self, parts: Parts, run: Run, control: RunControl, above: Board | None = None) -> None:
        self.parts = parts
        self.control = control
        self.above = above
        #: those of the outermost run and of all runs within it that go on
        self.all: list[Board] = [] if above is None else above.all
        self.all.append(self)
        self.run = run
        self.tasks = run.tasks
        self.tell = Teller(run, parts)
        self.settling = Settling(parts, run, self.tell)
        #: what could start, what a budget cannot pay until work that runs gives money back, and what it
        #: cannot pay unless a person adds some
        self.queue = parts.make_queue()
        self.held = parts.make_queue()
        self.stuck = parts.make_queue()
        #: micro-dollars that none of those needs less than
        self.least: float = math.inf
        #: what a person said of a budget of several tasks since those were looked at
        self.news: Literal["", "more", "no"] = ""
        #: attempts that are ready but for the money, and those that run
        self.prepared: dict[str, Prepared] = {}
        self.flying: dict[str, Prepared] = {}
        #: the runs that do tasks of this one and go on, by the task, and those that are to begin
        self.within: dict[str, Run] = {}
        self.begun: list[Run] = []
        #: attempts that run in it and within it; counted where it is within another itself
        self.working = 0
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

    @property
    def free(self) -> int:
        """Attempts that may begin now: by the slots there are, and by the policies of runs within others."""
        executor = self.parts.executor
        free, board = executor.free, self
        while board.above is not None and free > 0:
            taken = board.working + len(executor.lingering(board.run.id))
            free = min(free, board.run.policy.max_parallelism - taken)
            board = board.above
        return free

    def count(self, change: int) -> None:
        """Count an attempt that begins or has ended."""
        board = self
        while board.above is not None:
            board.working += change
            board = board.above

    @property
    def lacks_money(self) -> bool:
        """Whether a budget cannot pay a task yet."""
        return len(self.held) + len(self.stuck) > 0

    @property
    def is_busy(self) -> bool:
        """Whether something runs, or will, that may give money back."""
        return any(each.flying or each.later for each in self.all)

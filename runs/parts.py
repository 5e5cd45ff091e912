"""What an orchestrator is made of, and who it asks and tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from clock import Clock
from cost.budget_enforcer import Budget
from run_contract.records import Run, RunTask
from runs.admission import Admission, Prepared
from runs.contracts import (
    BudgetEnforcer,
    ContextRouter,
    CostCalculator,
    DependencyResolver,
    MemoryManager,
    ParallelExecutor,
    QueueManager,
    Scheduler,
    UsageTracker,
)
from runs.run_events import Listener

#: Is asked when a budget cannot pay a task and nothing runs that could give something back: the micro-dollars
#: that are added, 0 for no.
TopUp = Callable[[Run, RunTask, Budget, int], int]
#: Is asked before an attempt starts: go on, leave the task out, or abort the run.
Gate = Callable[[Run, RunTask, Prepared], Literal["go", "skip", "abort"]]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The components of an orchestrator."""

    scheduler: Scheduler
    resolver: DependencyResolver
    make_queue: Callable[[], QueueManager]
    executor: ParallelExecutor
    admission: Admission
    calculator: CostCalculator
    budget: BudgetEnforcer
    usage: UsageTracker
    router: ContextRouter
    memory: MemoryManager
    clock: Clock
    listener: Listener | None = None
    top_up: TopUp | None = None
    gate: Gate | None = None

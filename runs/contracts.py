"""The fourteen components of a run, each as the contract the others know it by.

Orchestration: `Scheduler`, `DependencyResolver`, `ParallelExecutor`, `QueueManager`, `Orchestrator`. Cost:
`TokenEstimator`, `CostCalculator`, `BudgetEnforcer`, `UsageTracker`, `ModelCatalog`. Context:
`ContextBuilder`, `ContextCompactor`, `ContextRouter`, `MemoryManager`.
Each has one implementation, in the module of its name; `runs.factory` wires them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from cost.budget_enforcer import Budget
from cost.model_catalog import ModelFacts, Place
from run_contract.job import ContextBundle, Job
from run_contract.policy import ContextPolicy, Role
from run_contract.records import Dag, Run, RunTask, TaskError, TaskInput, TaskResult, Usage
from store.budgets import Account

if TYPE_CHECKING:
    from runs.control import RunControl
    from runs.scheduler import Released
    from runs.work import Ended


class Scheduler(Protocol):
    """Moves tasks from state to state, and says what that sets free."""

    def next_ready(self, run: Run | None) -> list[str]:
        """The tasks that could start, sorted by id."""

    def mark_complete(self, run: Run | None, task_id: str, result: TaskResult | None) -> Released:
        """A task completed."""

    def mark_failed(self, run: Run | None, task_id: str, error: TaskError) -> Released:
        """A task failed, and who needs it is skipped."""

    def mark_skipped(self, run: Run | None, task_id: str, why: TaskError) -> Released:
        """A task will never start."""

    def skip_rest(self, run: Run, why: TaskError) -> Released:
        """Skip every task that has not begun; one that waits for those it became fails."""


class DependencyResolver(Protocol):
    """Builds graphs and checks them."""

    def build_dag(self, tasks: Sequence[RunTask] | None) -> Dag:
        """The graph of the tasks."""

    def extend(self, dag: Dag, tasks: Sequence[RunTask]) -> None:
        """Add tasks to a graph."""

    def validate(self, dag: Dag | None) -> None:
        """Raise where the graph has a circle."""


class ParallelExecutor(Protocol):
    """Does the work of tasks, so many at once, each within its time."""

    @property
    def free(self) -> int:
        """Slots that nothing stands in or waits for."""

    def start(self, run: Run | None, job: Job) -> None:
        """Begin a task's work."""

    def next_end(self, timeout_s: float | None = None) -> Ended | None:
        """The next work that ended; none after so many seconds, or after `wake`."""

    def stop(self, task_id: str, run_id: str) -> None:
        """Ask a task's work to end."""

    def wake(self) -> None:
        """Let `next_end` return. Any thread may call this."""

    def lingering(self, run_id: str) -> list[str]:
        """The tasks of a run whose work was given up and runs still; ``TASK:INNER`` of runs within it."""

    def close(self) -> None:
        """Let go of everything."""


class QueueManager(Protocol):
    """The tasks that could start, in the order they are admitted."""

    def enqueue(self, task_id: str, priority: int = 0) -> None:
        """Put an id into the queue."""

    def dequeue(self) -> tuple[str, bool]:
        """The next id, and whether there was one."""

    def __len__(self) -> int: ...


class Orchestrator(Protocol):
    """Runs a run to its end."""

    def run(self, run: Run | None, control: RunControl | None = None) -> Run:
        """The run, when it has ended."""


class TokenEstimator(Protocol):
    """How many tokens a task probably is."""

    def estimate(self, given: TaskInput | None, bundle: ContextBundle | None = None) -> int:
        """Tokens of input and context."""


class CostCalculator(Protocol):
    """What models cost, in micro-dollars."""

    def estimate(self, tokens: int, model: str) -> int:
        """So many tokens at the mean price."""

    def worst_case(self, texts: Sequence[str], model: str, max_tokens: int) -> int:
        """The most a call can cost."""

    def model_of(self, role: Role) -> str:
        """The model that has a role."""


class BudgetEnforcer(Protocol):
    """Keeps the books of runs: reserves, books, and refuses what a limit cannot pay."""

    def allow(self, run: Run | None, micros: int, task: RunTask | None = None) -> None:
        """Raise where a budget cannot pay a call."""

    def reserve(self, run: Run | None, micros: int, task: RunTask | None = None) -> None:
        """Count a call's worst case."""

    def record(
        self, run: Run | None, micros: int, task: RunTask | None = None, reserved: int = 0
    ) -> list[tuple[Account, int]]:
        """Book what a call came to."""

    def top_up(self, run: Run, account: Account, micros: int, by: str) -> None:
        """Let a limit have more."""

    def budgets(self, run: Run | None, task: RunTask | None = None) -> list[Budget]:
        """The budgets that count."""


class UsageTracker(Protocol):
    """Counts the tokens of runs."""

    def add(self, run: Run | None, usage: Usage) -> None:
        """Count the tokens of a call."""

    def snapshot(self, run: Run | None) -> Usage:
        """What was used so far."""


class ModelCatalog(Protocol):
    """What models cost and hold, and which has which role."""

    def facts(self, model: str, place: Place) -> ModelFacts:
        """What is known of a model."""

    def model_of(self, role: Role) -> str | None:
        """The model that has a role."""

    def names(self) -> list[str]:
        """The models that are named."""


class ContextBuilder(Protocol):
    """What a task is told of what went before."""

    def build(self, run: Run | None, task_id: str, placed: frozenset[str] = frozenset()) -> ContextBundle:
        """The answers it waits for, and the run's memory."""


class ContextCompactor(Protocol):
    """Makes that fit, or refuses."""

    def compact(
        self, bundle: ContextBundle | None, policy: ContextPolicy, placed_bytes: int = 0
    ) -> ContextBundle:
        """A new bundle that fits."""

    def check(self, bundle: ContextBundle, policy: ContextPolicy, placed_bytes: int = 0) -> None:
        """Raise where a bundle does not fit."""

    def too_many(self, bundle: ContextBundle, policy: ContextPolicy, placed_bytes: int = 0) -> int:
        """How many of the oldest messages have to be summarised."""


class ContextRouter(Protocol):
    """Brings answers to those that wait for them."""

    def route(self, run: Run | None, source: str, target: str, result: TaskResult | None) -> None:
        """Give a task what another answered."""

    def values(self, run: Run, task: RunTask, texts: Iterable[str]) -> dict[str, str]:
        """What references stand for."""


class MemoryManager(Protocol):
    """What the tasks of a run keep for each other."""

    def get(self, run: Run | None, key: str, scope: str | None = None) -> tuple[str, bool]:
        """An entry."""

    def put(self, run: Run | None, key: str, value: str, scope: str | None = None) -> None:
        """Keep an entry."""

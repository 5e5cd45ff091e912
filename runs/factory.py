"""Wires the components, for use in memory: in a program of one's own, in tests, in benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clock import Clock, SystemClock
from config_files.models import ModelEntry
from context.context_builder import ContextBuilder
from context.context_compactor import ContextCompactor
from context.context_router import ContextRouter
from context.memory_manager import MemoryManager
from cost.budget_enforcer import BudgetEnforcer
from cost.cost_calculator import CostCalculator
from cost.model_catalog import ModelCatalog, Place
from cost.token_estimator import TokenEstimator
from cost.usage_tracker import UsageTracker
from run_contract.policy import Role, RunPolicy
from run_contract.records import Run, RunTask
from runs import contracts
from runs.admission import Admission, Sent
from runs.caching import Answers, AnswerStore, caching
from runs.dependency_resolver import DependencyResolver, enter
from runs.mock_work import mock_work
from runs.orchestrator import Orchestrator
from runs.parallel_executor import ParallelExecutor
from runs.parts import Gate, Parts, TopUp
from runs.queue_manager import QueueManager
from runs.run_events import Listener
from runs.scheduler import Scheduler
from runs.summarising import summarising
from runs.work import Work
from settings import Settings

#: The models that have a role where no catalogue is given; their prices come from the price list.
DEFAULT_ROLES: Final[Mapping[Role, str]] = {
    "flagship": "claude-opus-4-5-20251101",
    "balanced": "claude-sonnet-4-5-20250929",
    "fast": "claude-3-haiku-20240307",
}
#: Where no place is given: nowhere in particular, so the price list is asked by the provider's name alone.
NOWHERE: Final = Place("", is_loopback=False, default_model=None)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What may be given to an orchestrator beside its policy and work."""

    catalog: ModelCatalog | None = None
    place: Place = NOWHERE
    clock: Clock | None = None
    listener: Listener | None = None
    top_up: TopUp | None = None
    gate: Gate | None = None
    #: tokens of an answer, where a task names no limit
    max_tokens: int = 1_024
    #: the texts that the work sends for a job, where it sends more than the prompt and what the task is told
    sent: Sent | None = None
    #: answers that may be taken again; by default those of this orchestrator's own runs
    answers: AnswerStore | None = None
    #: stands in for the threads
    executor: contracts.ParallelExecutor | None = None


def default_catalog() -> ModelCatalog:
    """The models of `DEFAULT_ROLES`, priced by the price list."""
    entries = [ModelEntry(name=name, provider="anthropic") for name in DEFAULT_ROLES.values()]
    return ModelCatalog(Settings(), entries, DEFAULT_ROLES)


def new_orchestrator_with_defaults(
    policy: RunPolicy, executor: Work | None = None, options: Options | None = None
) -> Orchestrator:
    """An orchestrator with every component in its place.

    Parameters:
        policy: says how much runs at once; each run is held to its own.
        executor: does the work of a task; by default nobody is asked, and answers are made up
            (`runs.mock_work`).
    """
    given = options or Options()
    clock = given.clock or SystemClock()
    calculator = CostCalculator(given.catalog or default_catalog(), given.place)
    compactor, router, memory = ContextCompactor(), ContextRouter(), MemoryManager()
    builder, estimator = ContextBuilder(memory), TokenEstimator()
    asked = caching(executor or mock_work(calculator), given.answers or Answers())
    work = summarising(asked, compactor)
    grace_s = policy.stop_grace_ms / 1000
    threads = given.executor or ParallelExecutor(policy.max_parallelism, work, grace_s=grace_s, clock=clock)
    return Orchestrator(
        Parts(
            scheduler=Scheduler(),
            resolver=DependencyResolver(),
            make_queue=QueueManager,
            executor=threads,
            admission=Admission(
                builder, compactor, router, estimator, calculator, given.max_tokens, given.sent
            ),
            calculator=calculator,
            budget=BudgetEnforcer(),
            usage=UsageTracker(),
            router=router,
            memory=memory,
            clock=clock,
            listener=given.listener,
            top_up=given.top_up,
            gate=given.gate,
        )
    )


def new_run(run_id: str, tasks: list[RunTask], policy: RunPolicy | None = None) -> Run:
    """A run of these tasks with its graph. Raises as `DependencyResolver.build_dag`, `InvalidInput`."""
    run = Run(run_id, policy or RunPolicy())
    enter(run, tasks, DependencyResolver())
    return run

"""Runs for tests: tasks in a few words, models of fixed prices, an executor in virtual time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from config_files.models import ModelEntry
from cost.model_catalog import ModelCatalog
from run_contract.errors import TaskNotReady
from run_contract.job import Job
from run_contract.policy import RunPolicy
from run_contract.records import Run, RunTask, TaskInput, TaskResult, Usage
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.orchestrator import Orchestrator
from runs.run_events import RunEvent
from runs.work import Ended, check_start, do_work, names_in, stopped
from settings import Settings
from testing.clock import FakeClock

#: The model of the tasks here: 75 micro-dollars for 100 tokens at the mean of its prices.
HAIKU = "claude-3-haiku-20240307"
#: Dollars per million tokens read and written; fixed, as tests count on them.
PRICES = {
    "claude-opus-4-5-20251101": (15, 75),
    "claude-sonnet-4-5-20250929": (3, 15),
    "claude-opus-4-20250514": (15, 75),
    "claude-sonnet-4-20250514": (3, 15),
    "claude-3-5-sonnet-20240620": (3, 15),
    HAIKU: (0.25, 1.25),
}
ROLES: Any = {
    "flagship": "claude-opus-4-5-20251101",
    "balanced": "claude-sonnet-4-5-20250929",
    "fast": HAIKU,
}


def fixed_catalog() -> ModelCatalog:
    """These models at these prices."""
    entries = [ModelEntry(name=name, input=read, output=written)
               for name, (read, written) in PRICES.items()]  # fmt: skip
    return ModelCatalog(Settings(), entries, ROLES)


def task(task_id: str, *deps: str, prompt: str = "x" * 400, **fields: Any) -> RunTask:
    """A task of a run; by default of 400 bytes for the model above."""
    return RunTask(task_id, TaskInput(prompt), list(deps), **({"model": HAIKU} | fields))


def answer(text: str, tokens: int = 100, micros: int = 75, **fields: Any) -> TaskResult:
    """A result; by default of 100 tokens at its price."""
    return TaskResult(text, usage=Usage(tokens, micros), **fields)


def ok(job: Job) -> TaskResult:
    """Work that answers with the id of its task."""
    return answer(f"ok:{job.task_id}")


@dataclass(frozen=True)
class Scripted:
    """What the work of an attempt does, in virtual time."""

    #: seconds until it ends by itself
    seconds: float = 0.0
    result: TaskResult | None = None
    error: Exception | None = None
    #: seconds until it ends once it was told to; none: it does not listen
    heeds: float | None = 0.0


Script = Callable[[Job], Scripted]


def _key(job: Job) -> tuple[str, str]:
    return job.run_id, job.task_id


@dataclass
class _Flight:
    job: Job
    script: Scripted
    lands_at: float
    given_up: bool = False


class VirtualExecutor:
    """Does the work of a script in virtual time: nothing sleeps, and every run is the same.

    Holds to the same contract as `ParallelExecutor`: slots, time limits, cancellation, grace.
    """

    def __init__(self, clock: FakeClock, slots: int, script: Script, grace_s: float = 5.0) -> None:
        self.clock = clock
        self.slots = slots
        self.script = script
        self.grace_s = grace_s
        #: the most that ever ran at once, given-up work included
        self.most = 0
        #: (id, model) of every attempt that began
        self.began: list[tuple[str, str]] = []
        self.flights: dict[tuple[str, str], _Flight] = {}
        self._backlog: list[Job] = []
        self._happenings: list[tuple[float, int, Callable[[], Ended | None]]] = []
        self._numbers = itertools.count()
        self._woken = False

    @property
    def free(self) -> int:
        """Slots that nothing stands in."""
        return self.slots - len(self.flights) - len(self._backlog)

    def start(self, run: Run | None, job: Job) -> None:
        """Begin an attempt, or let it wait for a slot."""
        check_start(run, job)
        if _key(job) in self.flights:
            raise TaskNotReady(job.task_id)
        self._backlog.append(job)
        self._fill()

    def _fill(self) -> None:
        while self._backlog and len(self.flights) < self.slots:
            self._begin(self._backlog.pop(0))

    def _begin(self, job: Job) -> None:
        script = self.script(job)
        now = self.clock.monotonic()
        flight = self.flights[_key(job)] = _Flight(job, script, now + script.seconds)
        self.began.append((job.task_id, job.model))
        self.most = max(self.most, len(self.flights))
        self._at(flight.lands_at, lambda: self._land(flight))
        if job.timeout_s is not None:
            self._at(now + job.timeout_s, lambda: self._ask(flight, "timeout"))

    def at(self, seconds: float, do: Callable[[], Any]) -> None:
        """Have something happen so many seconds from now."""
        self._at(self.clock.monotonic() + seconds, lambda: do() and None)

    def next_end(self, timeout_s: float | None = None) -> Ended | None:
        """Let time pass until something ends."""
        until = None if timeout_s is None else self.clock.monotonic() + timeout_s
        while not self._woken:
            due = self._happenings[0][0] if self._happenings else None
            if due is None or (until is not None and until < due):
                assert until is not None, "this would wait for ever"
                self.clock.advance(max(0.0, until - self.clock.monotonic()))
                return None
            self.clock.advance(max(0.0, due - self.clock.monotonic()))
            ended = heapq.heappop(self._happenings)[2]()
            if ended is not None:
                return ended
        self._woken = False
        return None

    def stop(self, task_id: str, run_id: str) -> None:
        """Ask an attempt to end; one that has no slot yet never begins."""
        for job in [each for each in self._backlog if _key(each) == (run_id, task_id)]:
            self._backlog.remove(job)
            job.asked.stop("cancelled")
            self._at(self.clock.monotonic(), lambda job=job: Ended(job, error=stopped(job)))  # type: ignore[misc]
            return
        if (run_id, task_id) in self.flights:
            self._ask(self.flights[run_id, task_id], "cancelled")

    def wake(self) -> None:
        """Let `next_end` return."""
        self._woken = True

    def lingering(self, run_id: str) -> list[str]:
        """The tasks of a run, and of runs within it, whose work was given up."""
        return names_in(run_id, (flight.job for flight in self.flights.values() if flight.given_up))

    def close(self) -> None:
        """There is nothing to let go."""

    def _at(self, when: float, do: Callable[[], Ended | None]) -> None:
        heapq.heappush(self._happenings, (when, next(self._numbers), do))

    def _land(self, flight: _Flight) -> Ended | None:
        if self.flights.get(_key(flight.job)) is not flight:
            return None
        if self.clock.monotonic() + 1e-9 < flight.lands_at:
            return None
        del self.flights[_key(flight.job)]
        self._fill()
        self._woken = self._woken or flight.given_up
        return None if flight.given_up else do_work(lambda _: self._outcome(flight), flight.job)

    def _outcome(self, flight: _Flight) -> TaskResult:
        if flight.script.error is not None:
            raise flight.script.error
        return flight.script.result or ok(flight.job)

    def _ask(self, flight: _Flight, reason: str) -> None:
        if self.flights.get(_key(flight.job)) is not flight or flight.job.asked.reason is not None:
            return
        flight.job.asked.stop(reason)
        now = self.clock.monotonic()
        if flight.script.heeds is not None and now + flight.script.heeds < flight.lands_at:
            flight.lands_at = now + flight.script.heeds
            flight.script = Scripted(error=InterruptedError("told to end"))
            self._at(flight.lands_at, lambda: self._land(flight))
        self._at(now + self.grace_s, lambda: self._give_up(flight))

    def _give_up(self, flight: _Flight) -> Ended | None:
        if self.flights.get(_key(flight.job)) is not flight or flight.given_up:
            return None
        flight.given_up = True
        return Ended(flight.job, error=stopped(flight.job), lingers=True)


@dataclass
class Rig:
    """An orchestrator in virtual time, with all it told."""

    orchestrator: Orchestrator
    executor: VirtualExecutor
    clock: FakeClock
    events: list[RunEvent]

    def names(self, event: str) -> list[str]:
        """The tasks that an event was told of, in order."""
        return [each.task_id or "" for each in self.events if each.event == event]

    def kinds(self) -> list[tuple[str, str | None]]:
        """Every event with its task."""
        return [(each.event, each.task_id) for each in self.events]


def rig(policy: RunPolicy, script: Script | None = None, **options: Any) -> Rig:
    """An orchestrator that lives in virtual time, with models of fixed prices."""
    clock, events = FakeClock(), list[RunEvent]()
    executor = VirtualExecutor(
        clock, policy.max_parallelism, script or (lambda _: Scripted()), policy.stop_grace_ms / 1000
    )
    given = Options(
        catalog=fixed_catalog(), clock=clock, listener=events.append, executor=executor, **options
    )
    return Rig(new_orchestrator_with_defaults(policy, ok, given), executor, clock, events)


def run_through(
    tasks: list[RunTask], policy: RunPolicy, script: Script | None = None, **options: Any
) -> tuple[Run, Rig]:
    """A run of these tasks, driven to its end in virtual time."""
    made = rig(policy, script, **options)
    return made.orchestrator.run(new_run("r", tasks, policy)), made


def states(run: Run, names: str | None = None) -> list[str]:
    """The states of its tasks, in the order of their ids."""
    return [str(run.tasks[name].state) for name in (names or sorted(run.tasks))]


def code(run: Run, name: str | None = None) -> str:
    """The code of what went wrong with a task, or with the run; empty where nothing did."""
    error = run.error if name is None else run.tasks[name].error
    return "" if error is None else error.code


def words(run: Run, name: str) -> str:
    """The message of a task's error, or its output."""
    found = run.tasks[name]
    if found.error is not None:
        return found.error.message
    return "" if found.outputs is None else found.outputs.output

"""One run on both roads, where attempts last and cost: in memory, and as one of the daemon."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from cost.budget_enforcer import Budget
from run_contract.policy import RunPolicy
from run_contract.records import Run, RunTask, TaskInput
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from store.budgets import Account, balance_of
from testing.clock import FakeClock
from testing.paid_runs import CATALOG, MODEL, Asked, PaidRuns, Person
from testing.timed_slots import Deed, Deeds, TimedSlots

_KEPT = ("id", "deps", "priority", "required", "needs", "max_tokens", "for_each")
#: Amounts of a task in micro-dollars, with what a request calls them.
_AMOUNTS = {"budget_micros": "budget", "subtree_micros": "subtree_budget"}


@dataclass(slots=True)
class Found:
    """What came of a run, by names within it; amounts in micro-dollars."""

    state: str = ""
    #: of each task its state, code, attempts, and what it used
    ends: dict[str, tuple[str, str | None, int, int]] = field(default_factory=dict)
    spent: int = 0
    #: attempts in the order in which they began
    begun: list[tuple[str, int]] = field(default_factory=list)
    #: what a person was asked: the limit, the task, and what the limit lacked
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    #: the shares of limits at which was warned
    warned: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PaidRun:
    """A run whose attempts are paid.

    `tasks`: with the names that a `RunTask` has, and `attempts`, the deeds of each attempt; the last is done
    again. `answers`: what a person says in turn: ``no``, or adds too ``little``, what is ``needed``,
    ``somewhat`` more, or much ``more``.
    """

    run_id: str
    tasks: list[dict[str, Any]]
    policy: RunPolicy
    answers: list[str]

    def in_memory(self) -> Found:
        """Run it in memory."""
        found, clock = Found(), FakeClock()
        answer = self._person(found)

        def top_up(_run: Run, task: RunTask, budget: Budget, micros: int) -> int:
            return answer(Asked(budget.account.limit, task.id, micros - budget.left, budget.limit))

        def listen(event: Any) -> None:
            if event.event == "budget.warning":
                self._note_warning(found, event.fields)

        slots = TimedSlots(self.policy.max_parallelism, self._deeds(found), clock)
        options = Options(executor=slots, clock=clock, catalog=CATALOG, top_up=top_up, listener=listen)
        made = new_orchestrator_with_defaults(self.policy, None, options)
        run = made.run(new_run(self.run_id, list(map(_as_task, self.tasks)), self.policy))
        for name, one in run.tasks.items():
            code = one.error.code if one.error else None
            found.ends[name] = (str(one.state), code, self._counted(name, one.attempts), one.actual.micros)
        found.state, found.spent = str(run.state), run.usage.micros
        return found

    def start(self, rig: PaidRuns, found: Found) -> None:
        """Start it as a run of the daemon, whose attempts and questions are noted in `found`."""
        answer = self._person(found)
        rig.deeds, rig.person = self._deeds(found), answer
        sent = self.policy.model_dump(mode="json", exclude_unset=True)
        rig.start(id=self.run_id, policy=sent, tasks=list(map(_as_request, self.tasks)))

    def on_the_road(self, rig: PaidRuns) -> Found:
        """Run it as one of the daemon."""
        found = Found()
        rig.new_events()
        self.start(rig, found)
        self.tell(rig, found, rig.go(self.run_id))
        return found

    def tell(self, rig: PaidRuns, found: Found, told: dict[str, Any]) -> None:
        """Note what came of a run of the daemon, which its page tells so."""
        for name, one in told["tasks"].items():
            code = (one.get("error") or {}).get("code")
            tried = self._counted(name, one["attempts"])
            found.ends[name] = (one["state"], code, tried, one["usage"]["cost_micros"])
        found.state = told["state"]
        found.spent = balance_of(rig.store.reader, Account("run", self.run_id)).spent
        for row in rig.new_events():
            if row["event"] == "budget.warning":
                self._note_warning(found, json.loads(row["data"]))

    def _counted(self, name: str, attempts: int) -> int:
        """Attempts of a task; a list has one on the road, when it becomes its items, and none in memory."""
        return 0 if any(each["id"] == name and each.get("for_each") for each in self.tasks) else attempts

    def _note_warning(self, found: Found, told: dict[str, Any]) -> None:
        found.warned.append((self._local(told["budget"]), told["percent"]))

    def _local(self, limit: str) -> str:
        """A limit by the name that its task has within the run."""
        return limit.replace(f":{self.run_id}:", ":")

    def _deeds(self, found: Found) -> Deeds:
        tasks = {each["id"]: each["attempts"] for each in self.tasks}

        def deed(name: str, attempt: int) -> Deed:
            found.begun.append((name, attempt))
            attempts = tasks[name.partition(".")[0]]
            done: Deed = attempts[min(attempt, len(attempts)) - 1]
            return done

        return deed

    def _person(self, found: Found) -> Person:
        left = itertools.cycle(self.answers)

        def answer(about: Asked) -> int:
            task = about.task.removeprefix(f"{self.run_id}:")
            found.asked.append((self._local(about.limit), task, about.needed))
            little = max(1, about.needed // 2)
            more = {"no": 0, "little": little, "needed": about.needed, "more": about.more}
            return {**more, "somewhat": about.needed + 70}[next(left)]

        return answer


def _as_task(one: dict[str, Any]) -> RunTask:
    kept = {name: one[name] for name in (*_KEPT, *_AMOUNTS) if name in one}
    return RunTask(inputs=TaskInput("x"), model=MODEL, **kept)


def _as_request(one: dict[str, Any]) -> dict[str, Any]:
    kept = {name: one[name] for name in _KEPT if one.get(name) is not None}
    amounts = {told: one[name] / 1e6 for name, told in _AMOUNTS.items() if one.get(name) is not None}
    return kept | amounts | {"prompt": "x", "model": MODEL}

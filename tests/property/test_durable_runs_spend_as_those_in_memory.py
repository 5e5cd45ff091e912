"""A run of the daemon spends what the same run in memory does, and asks for more where that one does.

Both reserve the same worst cases in the budgets of the run and of its tasks, and book the same amounts. Where
a budget cannot pay a task a person is asked, who adds the same to both or says no.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cost.budget_enforcer import Budget
from run_contract.policy import RunPolicy
from run_contract.records import Run, RunTask, TaskInput
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from store.budgets import Account, balance_of
from testing.clock import FakeClock
from testing.paid_runs import CATALOG, MODEL, Asked, PaidRuns, Person
from testing.timed_slots import Deed, Deeds, TimedSlots

_numbers = itertools.count(1)

#: what a person does, one time after the other: says no, adds what is needed, somewhat more, or much more
answers = st.lists(st.sampled_from(["no", "needed", "somewhat", "more"]), min_size=1, max_size=4)


@st.composite
def graphs(draw: Any) -> list[dict[str, Any]]:
    """Tasks with what each may cost, at worst and in all; an attempt uses a part of the worst case."""
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 7))):
        before = [each["id"] for each in found]
        most = draw(st.sampled_from([50, 100, 200]))
        attempt = st.builds(
            Deed, st.sampled_from([1.0, 2.0]), st.sampled_from([0, most // 2, most]),
            st.sampled_from([None, None, "it broke"]), st.booleans(),
        )  # fmt: skip
        found.append(
            {
                "id": f"t{number}",
                "deps": draw(st.lists(st.sampled_from(before), max_size=2, unique=True)) if before else [],
                "priority": draw(st.integers(-1, 1)),
                "required": draw(st.booleans()),
                "needs": draw(st.sampled_from(["all", "all", "any"])),
                "max_tokens": most,
                "budget_micros": draw(st.sampled_from([None, None, 40, 150, 300])),
                "attempts": draw(st.lists(attempt, min_size=1, max_size=3)),
            }
        )
    return found


policies = st.fixed_dictionaries(
    {
        "on_failure": st.sampled_from(["fail_fast", "continue", "required"]),
        "budget_limit": st.sampled_from([90, 180, 330, 600]).map(lambda micros: {"amount": micros / 1e6}),
        "retry": st.fixed_dictionaries({"max_attempts": st.integers(1, 3), "base_ms": st.just(0)}),
    }
)


def deeds_of(graph: list[dict[str, Any]], begun: list[tuple[str, int]]) -> Deeds:
    tasks = {each["id"]: each["attempts"] for each in graph}

    def deed(name: str, attempt: int) -> Deed:
        begun.append((name, attempt))
        found: Deed = tasks[name][min(attempt, len(tasks[name])) - 1]
        return found

    return deed


def person_of(answers: list[str], run_id: str, asked: list[tuple[str, str, int]]) -> Person:
    """A person who answers in turn, and notes what was asked, by names within the run."""
    left = itertools.cycle(answers)

    def answer(about: Asked) -> int:
        asked.append((about.limit.replace(f"task:{run_id}:", "task:"), about.task, about.needed))
        said = next(left)
        more = {"no": 0, "needed": about.needed, "somewhat": about.needed + 70, "more": about.more}
        return more[said]

    return answer


def as_task(one: dict[str, Any]) -> RunTask:
    kept = ("id", "deps", "priority", "required", "needs", "max_tokens", "budget_micros")
    return RunTask(inputs=TaskInput("x"), model=MODEL, **{name: one[name] for name in kept})


def as_request(one: dict[str, Any]) -> dict[str, Any]:
    told = {name: one[name] for name in ("id", "deps", "priority", "required", "needs", "max_tokens")}
    budget = {} if one["budget_micros"] is None else {"budget": one["budget_micros"] / 1e6}
    return told | budget | {"prompt": "x", "model": MODEL}


def in_memory(run_id: str, graph: list[dict[str, Any]], policy: RunPolicy, answers: list[str]) -> Any:
    begun, asked, warned = list[tuple[str, int]](), list[tuple[str, str, int]](), list[tuple[str, int]]()
    person, clock = person_of(answers, run_id, asked), FakeClock()

    def top_up(_run: Run, task: RunTask, budget: Budget, micros: int) -> int:
        return person(Asked(budget.account.limit, task.id, micros - budget.left, budget.limit))

    def listen(event: Any) -> None:
        if event.event == "budget.warning" and event.fields["budget"].startswith("run:"):
            warned.append((event.fields["budget"], event.fields["percent"]))

    slots = TimedSlots(policy.max_parallelism, deeds_of(graph, begun), clock)
    options = Options(executor=slots, clock=clock, catalog=CATALOG, top_up=top_up, listener=listen)
    run = new_orchestrator_with_defaults(policy, None, options).run(
        new_run(run_id, list(map(as_task, graph)), policy)
    )
    ends = {
        name: (str(one.state), one.error.code if one.error else None, one.attempts, one.actual.micros)
        for name, one in run.tasks.items()
    }
    return str(run.state), ends, run.usage.micros, begun, asked, warned


def on_the_road(
    rig: PaidRuns, run_id: str, graph: list[dict[str, Any]], policy: RunPolicy, answers: list[str]
) -> Any:
    begun, asked = list[tuple[str, int]](), list[tuple[str, str, int]]()
    rig.deeds = deeds_of(graph, begun)
    person = person_of(answers, run_id, asked)
    rig.person = lambda about: person(
        Asked(about.limit, about.task.partition(":")[2], about.needed, about.limit_micros)
    )
    sent = policy.model_dump(mode="json", exclude_unset=True)
    told = rig.go(rig.start(id=run_id, policy=sent, tasks=list(map(as_request, graph))))
    ends = {
        name: (one["state"], (one.get("error") or {}).get("code"), one["attempts"], one["usage"]["cost_micros"])
        for name, one in told["tasks"].items()
    }
    spent = balance_of(rig.store.reader, Account("run", run_id)).spent
    assert spent == told["cost_micros"]
    return told["state"], ends, spent, begun, asked, warnings_of(rig, run_id)


def warnings_of(rig: PaidRuns, run_id: str) -> list[tuple[str, int]]:
    """The warnings about the budget of a run, as they were told."""
    told = (json.loads(row["data"]) for row in rig.new_events() if row["event"] == "budget.warning")
    return [(each["budget"], each["percent"]) for each in told if each["budget"] == f"run:{run_id}"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), policies, answers)
def test_both_spend_the_same_and_ask_for_the_same(
    paid_rig: PaidRuns, graph: Any, policy: Any, answers: list[str]
) -> None:
    run_id, held = f"r{next(_numbers)}", RunPolicy.model_validate(policy)
    found = on_the_road(paid_rig, run_id, graph, held, answers)
    assert found == in_memory(run_id, graph, held, answers)

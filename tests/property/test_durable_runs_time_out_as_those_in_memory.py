"""A run of the daemon keeps to its limits of time as the same run in memory does.

Both are driven by clocks that stand still until something is to be done: attempts last as long as they are
said to, limits end them or the whole run, and further attempts wait as the policy has it.
"""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from run_contract.policy import RunPolicy
from run_contract.records import RunTask, TaskInput
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from testing.clock import FakeClock
from testing.timed_runs import TimedRuns
from testing.timed_slots import Deed, Deeds, TimedSlots

_numbers = itertools.count(1)

#: whole seconds, and limits that are none, so that nothing ends just when the time of the run is up
_attempts = st.builds(
    Deed, st.integers(1, 6).map(float), st.just(0), st.sampled_from([None, None, None, "it broke"]),
    st.booleans(),
)  # fmt: skip


@st.composite
def graphs(draw: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 8))):
        before = [each["id"] for each in found]
        found.append(
            {
                "id": f"t{number}",
                "deps": draw(st.lists(st.sampled_from(before), max_size=2, unique=True)) if before else [],
                "priority": draw(st.integers(-1, 1)),
                "required": draw(st.booleans()),
                "needs": draw(st.sampled_from(["all", "all", "any"])),
                "timeout_ms": draw(st.sampled_from([None, None, 2_500, 4_500])),
                "is_command": draw(st.integers(0, 3)) == 0,
                "attempts": draw(st.lists(_attempts, min_size=1, max_size=3)),
            }
        )
    return found


policies = st.fixed_dictionaries(
    {
        "max_parallelism": st.integers(1, 4),
        "on_failure": st.sampled_from(["fail_fast", "continue", "required"]),
        "timeout_ms": st.sampled_from([0, 3_500]),
        "run_timeout_ms": st.sampled_from([0, 0, 6_250, 12_250]),
        "retry": st.fixed_dictionaries(
            {
                "max_attempts": st.integers(1, 3),
                "base_ms": st.sampled_from([0, 700]),
                "retry_on": st.sampled_from([["timeout"], ["transient"], ["any"]]),
            }
        ),
    }
)


def deeds_of(graph: list[dict[str, Any]], begun: list[tuple[str, int]]) -> Deeds:
    """What each attempt does; a command fails by its time alone, since its other failures are named apart."""
    tasks = {each["id"]: each for each in graph}

    def deed(name: str, attempt: int) -> Deed:
        begun.append((name, attempt))
        attempts = tasks[name]["attempts"]
        found: Deed = attempts[min(attempt, len(attempts)) - 1]
        return Deed(found.seconds) if tasks[name]["is_command"] else found

    return deed


Found = tuple[str, str | None, dict[str, tuple[str, str | None, int]], list[tuple[str, int]]]
_KEPT = ("id", "deps", "priority", "required", "needs", "timeout_ms")


def in_memory(run_id: str, graph: list[dict[str, Any]], policy: RunPolicy) -> Found:
    begun: list[tuple[str, int]] = []
    clock = FakeClock()
    tasks = [RunTask(inputs=TaskInput("x"), **{name: each[name] for name in _KEPT}) for each in graph]
    slots = TimedSlots(policy.max_parallelism, deeds_of(graph, begun), clock)
    made = new_orchestrator_with_defaults(policy, None, Options(executor=slots, clock=clock))
    run = made.run(new_run(run_id, tasks, policy))
    ends = {
        name: (str(one.state), one.error.code if one.error else None, one.attempts)
        for name, one in run.tasks.items()
    }
    return str(run.state), run.error.code if run.error else None, ends, begun


def on_the_road(rig: TimedRuns, run_id: str, graph: list[dict[str, Any]], policy: dict[str, Any]) -> Found:
    begun: list[tuple[str, int]] = []
    rig.deeds = deeds_of(graph, begun)
    tasks = [
        {name: each[name] for name in _KEPT if each[name] is not None}
        | ({"argv": ["true"]} if each["is_command"] else {"prompt": "x"})
        for each in graph
    ]
    told = rig.go(rig.start(id=run_id, policy=policy, tasks=tasks))
    ends = {
        name: (one["state"], (one.get("error") or {}).get("code"), one["attempts"])
        for name, one in told["tasks"].items()
    }
    return told["state"], (told["error"] or {}).get("code"), ends, begun


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), policies)
def test_both_keep_to_the_same_limits_of_time(timed_rig: TimedRuns, graph: Any, policy: Any) -> None:
    run_id = f"r{next(_numbers)}"
    found = on_the_road(timed_rig, run_id, graph, policy)
    assert found == in_memory(run_id, graph, RunPolicy.model_validate(policy))

"""A task that is added to a run waits for rounds, and is told their end, as if it had been there before.

On both roads, whenever it is added, and whether those rounds end well or badly or never begin.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from road.growing import repeat_of
from run_contract.policy import RunPolicy
from run_contract.records import RunTask, TaskInput, TaskResult
from runs.control import RunControl
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.inline_executor import InlineExecutor
from runs.prompting import plain_prompt
from store import run_steering
from testing.durable_runs import DurableRuns

_numbers = itertools.count(1)
POLICY = {"on_failure": "continue"}
#: Where a task ended, why, and whose answer it was told.
End = tuple[str, str | None, list[str]]


@st.composite
def rounds(draw: Any) -> list[dict[str, Any]]:
    """A graph that ends with rounds of some of it, and what comes after those."""
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(2, 5))):
        before = [each["id"] for each in found]
        deps = draw(st.lists(st.sampled_from(before), min_size=1, max_size=2, unique=True)) if before else []
        found.append({"id": f"t{number}", "deps": deps})
    last = draw(st.sampled_from(found[1:]))
    value = draw(st.sampled_from(["r2", "r3", "ok"]))
    last["repeat"] = {
        "first": draw(st.sampled_from(last["deps"])),
        "until": {"of": "{{output}}", "test": "contains", "value": value},
        "most": draw(st.integers(1, 3)),
        "otherwise": draw(st.sampled_from(["fail", "take"])),
    }
    return found


def end_of(state: str, code: str | None, told: str) -> End:
    return state, code, re.findall(r"ok:[\w.]+", told)


def on_the_road(rig: DurableRuns, graph: list[Any], late: dict[str, Any], after: int) -> tuple[End, int]:
    begun: list[str] = []

    def work(name: str) -> str:
        begun.append(name)
        return f"ok:{name}"

    rig.work, rig.sent = work, {}
    tasks = [each | {"prompt": "x"} for each in graph] + ([late] if after == 0 else [])
    run = rig.start(id=f"l{next(_numbers)}", open=True, policy=POLICY, tasks=tasks)
    while rig.turn():
        if len(begun) == after and "late" not in rig.shown(run)["tasks"]:
            rig.add(run, late)
    rig.store.write(lambda tx: run_steering.close(tx, run, "a test"))
    told = rig.shown(run)["tasks"]["late"]
    end = end_of(told["state"], (told.get("error") or {}).get("code"), rig.sent.get("late", ""))
    return end, len(begun) - ("late" in begun)


def in_memory(graph: list[Any], late: dict[str, Any], after: int) -> End:
    control, counter, said = RunControl(), itertools.count(1), list[str]()
    added = RunTask("late", TaskInput(late["prompt"]), deps=late["deps"])

    def work(job: Any) -> TaskResult:
        if job.task_id == "late":
            said.append(plain_prompt(job))
        elif next(counter) == after:
            control.add([added])
        return TaskResult(f"ok:{job.task_id}")

    tasks = [
        RunTask(each["id"], TaskInput("x"), deps=each["deps"], repeat=repeat_of(each.get("repeat")))
        for each in graph
    ]
    policy = RunPolicy.model_validate(POLICY)
    made = new_orchestrator_with_defaults(policy, work, Options(executor=InlineExecutor(1, work)))
    run = made.run(new_run("r", tasks + ([added] if after == 0 else []), policy), control)
    error = run.tasks["late"].error
    return end_of(str(run.tasks["late"].state), error.code if error else None, "".join(said))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds(), st.data())
def test_it_waits_for_their_end_whenever_it_is_added(
    rig: DurableRuns, graph: Any, data: st.DataObject
) -> None:
    dep = data.draw(st.sampled_from(graph))["id"]
    late = {"id": "late", "deps": [dep], "prompt": f"say {{{{deps.{dep}.output}}}}"}
    wanted, works = on_the_road(rig, graph, late, 0)
    after = data.draw(st.integers(1, works))

    assert in_memory(graph, late, 0) == wanted
    assert on_the_road(rig, graph, late, after)[0] == wanted
    if after < works:  # with its last work a run in memory is over
        assert in_memory(graph, late, after) == wanted

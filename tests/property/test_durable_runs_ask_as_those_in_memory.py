"""A run of the daemon takes answers again, and asks again, as the same run in memory does."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config_files.models import ModelEntry
from cost.model_catalog import ModelCatalog
from road.growing import repeat_of
from run_contract.policy import RunPolicy
from run_contract.records import RunTask, TaskInput, TaskResult, TaskState
from runs.caching import REUSED_FROM, Answers, caching
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.inline_executor import InlineExecutor
from runs.work import WorkFailed
from settings import Settings
from store.outputs import read_output
from testing.durable_runs import DurableRuns

_numbers = itertools.count(1)


@st.composite
def questions(draw: Any) -> list[dict[str, Any]]:
    """Tasks without edges, many of which ask the same, and whose answers bring more than a text."""
    return [
        {
            "id": f"t{number}",
            "prompt": draw(st.sampled_from(["this", "that"])),
            "cache": draw(st.sampled_from([None, None, None, False])),
            "outputs": draw(st.sampled_from([[], ["one"], ["one", "two"]])),
            "may_add": draw(st.booleans()),
            "repeat": draw(st.sampled_from([None, None, "fail", "take"])),
        }
        for number in range(draw(st.integers(1, 5)))
    ]


def answering(begun: list[str], number: int) -> Any:
    def work(name: str) -> str:
        begun.append(name)
        more = f'{{"tasks": [{{"id": "{name}x", "prompt": "more {number} {name}"}}]}}'
        return f'```json\n{{"one": "1 of {name}"}}\n```\n```skep-tasks\n{more}\n```'

    return work


def cached_on_the_road(rig: DurableRuns, number: int, asked: list[dict[str, Any]], run: str) -> Any:
    begun, kept = list[str](), rig.store.home.outputs
    rig.work = answering(begun, number)
    told = rig.go(rig.start(
        id=f"q{number}{run}", policy={"cache": True, "on_failure": "continue"},
        tasks=[
            {name: value for name, value in each.items() if value is not None}
            | {"prompt": f"{each['prompt']} {number}"}
            | ({} if each["repeat"] is None else {"repeat": rounds_of(each["repeat"])})
            for each in asked
        ],
    ))  # fmt: skip
    ends = {
        name: (
            one["state"], one.get("reused_from", "").partition(":")[2],
            {key: read_output(kept, value["ref"]).decode() for key, value in one.get("outputs", {}).items()},
        )
        for name, one in told["tasks"].items()
    }  # fmt: skip
    return told["state"], ends, begun


def rounds_of(otherwise: str) -> dict[str, Any]:
    until = {"of": "{{output}}", "test": "contains", "value": "r2"}
    return {"until": until, "most": 3 if otherwise == "take" else 1, "otherwise": otherwise}


def cached_in_memory(number: int, asked: list[dict[str, Any]], answers: Answers) -> Any:
    begun: list[str] = []
    work = answering(begun, number)
    policy = RunPolicy(cache=True, on_failure="continue")
    tasks = [
        RunTask(
            each["id"], TaskInput(f"{each['prompt']} {number}"), cache=each["cache"],
            named=tuple(each["outputs"]), may_add=each["may_add"],
            repeat=None if each["repeat"] is None else repeat_of(rounds_of(each["repeat"])),
        )
        for each in asked
    ]  # fmt: skip
    slots = InlineExecutor(1, caching(lambda job: TaskResult(work(job.task_id)), answers))
    made = new_orchestrator_with_defaults(policy, None, Options(executor=slots))
    run = made.run(new_run("r", tasks, policy))
    ends = {}
    for name, one in run.tasks.items():
        given = one.outputs if one.state is TaskState.COMPLETED else None
        is_own = given is not None and one.items is None  # and not that of its last round
        source = given.metadata.get(REUSED_FROM, "").partition(":")[2] if given and is_own else ""
        ends[name] = (str(one.state), source, dict(given.outputs) if given else {})
    return str(run.state), ends, begun


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(questions(), questions())
def test_both_take_the_same_answers_again_with_all_that_follows_from_them(
    rig: DurableRuns, first: Any, then: Any
) -> None:
    number, answers = next(_numbers), Answers()
    for run, asked in (("a", first), ("b", then)):
        found, wanted = cached_on_the_road(rig, number, asked, run), cached_in_memory(number, asked, answers)
        assert found[:2] == wanted[:2]
        assert sorted(found[2]) == sorted(wanted[2])


@st.composite
def stumbling(draw: Any) -> list[dict[str, Any]]:
    """Tasks that fail so many times, each in a way that may get better or in one that does not."""
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 5))):
        before = [each["id"] for each in found]
        found.append(
            {
                "id": f"t{number}",
                "deps": draw(st.lists(st.sampled_from(before), max_size=2, unique=True)) if before else [],
                "model": draw(st.sampled_from(["one", "two"])),
                "model_role": draw(st.sampled_from([None, "fast"])),
                "times": draw(st.integers(0, 7)),
                "may_help": draw(st.booleans()),
            }
        )
    return found


def work_that_stumbles(tasks: list[dict[str, Any]], asked: list[tuple[str, str]]) -> Any:
    left = {each["id"]: each["times"] for each in tasks}
    helps = {each["id"]: each["may_help"] for each in tasks}

    def work(name: str, model: str) -> str:
        asked.append((name, model))
        left[name] -= 1
        if left[name] >= 0:
            raise WorkFailed("it stumbled", retryable=helps[name])
        return f"ok:{name}"

    return work


def tried_in_memory(tasks: list[dict[str, Any]], policy: RunPolicy) -> tuple[Any, list[tuple[str, str]]]:
    asked: list[tuple[str, str]] = []
    work = work_that_stumbles(tasks, asked)
    made = [
        RunTask(each["id"], TaskInput("x"), deps=list(each["deps"]), model=each["model"],
                role=each["model_role"])
        for each in tasks
    ]  # fmt: skip

    def do(job: Any) -> TaskResult:
        return TaskResult(work(job.task_id, job.model))

    entries = [ModelEntry(name=name, input=1, output=1) for name in ("one", "two", "three", "four", "five")]
    options = Options(executor=InlineExecutor(1, do), catalog=ModelCatalog(Settings(), entries))
    run = new_orchestrator_with_defaults(policy, do, options).run(new_run("r", made, policy))
    ends = {name: (str(one.state), one.attempts) for name, one in run.tasks.items()}
    return (str(run.state), ends), asked


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    stumbling(),
    st.integers(1, 3),
    st.sampled_from([["transient"], ["any"], ["timeout"]]),
    st.sampled_from([{}, {"one": ["three"]}, {"fast": ["four", "five"], "two": ["three", "one"]}]),
    st.sampled_from(["continue", "fail_fast"]),
)
def test_both_try_again_as_often_and_ask_the_same_models_in_the_same_order(
    rig: DurableRuns, tasks: Any, most: int, retry_on: list[str], fallbacks: Any, on_failure: str
) -> None:
    retry = {"max_attempts": most, "base_ms": 0, "retry_on": retry_on}
    policy = {"on_failure": on_failure, "retry": retry, "fallbacks": fallbacks}
    asked: list[tuple[str, str]] = []
    work = work_that_stumbles(tasks, asked)
    rig.work = lambda name: work(name, str(rig.asked[name]))
    kept = {"id", "deps", "model", "model_role"}
    sent = [{key: one for key, one in each.items() if key in kept and one} for each in tasks]

    told = rig.go(
        rig.start(id=f"r{next(_numbers)}", policy=policy, tasks=[each | {"prompt": "x"} for each in sent])
    )

    ends = {name: (one["state"], one["attempts"]) for name, one in told["tasks"].items()}
    wanted, wanted_asked = tried_in_memory(tasks, RunPolicy.model_validate(policy))
    assert (told["state"], ends) == wanted
    assert asked == wanted_asked

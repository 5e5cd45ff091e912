"""``cache``: what was asked before and approved is not asked again; and nothing else is taken."""

from __future__ import annotations

from typing import Any

import pytest

from attempts import AttemptPolicy
from run_contract.errors import NotOnTheRoad
from store.answering import yes_or_no
from testing.model_server import ModelServer, Reply
from tests.integration.run_road_rig import RunRoadRig

TASK: dict[str, Any] = {"id": "a", "prompt": "Name a bee.", "cache": True}


@pytest.fixture
def server():
    with ModelServer(Reply(text="Maja, a bee.")) as server:
        yield server


@pytest.fixture
def rig(tmp_path, server):
    with RunRoadRig(tmp_path, server) as rig:
        yield rig


def ask(rig: RunRoadRig, run: str, policy: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    told = rig.go(rig.start(id=run, policy=policy or {}, tasks=[TASK | changes]))
    found: dict[str, Any] = told["tasks"]["a"]
    return found


def test_the_same_question_gets_the_same_answer_at_no_cost_and_says_whose_it_is(rig, server) -> None:
    ask(rig, "one")
    told = ask(rig, "two")

    assert told["state"] == "completed"
    assert (told["output"], told["reused_from"]) == ("Maja, a bee.", "one:a")
    assert told["usage"] == {"tokens": 0, "cost_micros": 0}
    assert len(server.requests) == 1
    assert "task.reused" in rig.kinds("two:a")


def test_an_answer_is_taken_also_where_no_budget_could_pay_for_it(rig, server) -> None:
    ask(rig, "one")

    assert ask(rig, "two", budget=0.000001)["reused_from"] == "one:a"


def test_what_waits_for_the_task_is_told_the_answer(rig, server) -> None:
    ask(rig, "one")
    tasks = [TASK, {"id": "b", "prompt": "Praise {{deps.a.output}}", "deps": ["a"]}]
    rig.go(rig.start(id="two", tasks=tasks))

    assert "Maja, a bee." in server.requests[-1].prompt


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "Name two bees."},
        {"model": "another-model"},
        {"max_tokens": 7},
        {"temperature": 1.5},
        {"expect": {"contains": ["bee"]}},
        {"cache": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_question_that_differs_in_anything_is_asked(rig, server, change) -> None:
    ask(rig, "one")
    told = ask(rig, "two", **change)

    assert told["state"] == "completed"
    assert "reused_from" not in told
    assert len(server.requests) == 2


def test_an_answer_that_nobody_reviewed_is_not_taken(rig, server) -> None:
    ask(rig, "one", review="none")

    assert "reused_from" not in ask(rig, "two", review="none")
    assert len(server.requests) == 2


def test_an_answer_that_a_person_is_to_judge_is_taken_once_one_has_approved_it(rig, server) -> None:
    ask(rig, "one", review="human")
    assert ask(rig, "two", review="human")["state"] == "running"
    approve(rig, "one:a")

    assert ask(rig, "three", review="human")["reused_from"] == "one:a"


def approve(rig: RunRoadRig, task: str) -> None:
    rig.store.write(lambda tx: yes_or_no(tx, task, True, "you", None, AttemptPolicy()))


def test_the_answer_of_a_task_that_failed_is_not_taken(rig, server) -> None:
    expect = {"contains": ["wasp"]}
    assert ask(rig, "one", expect=expect)["state"] == "failed"
    server.default = Reply(text="a wasp")

    assert "reused_from" not in ask(rig, "two", expect=expect)


def test_an_answer_is_taken_up_to_its_age(tmp_path, server) -> None:
    with RunRoadRig(tmp_path, server, run_cache_age_s=0.0) as rig:
        ask(rig, "one")
        assert "reused_from" not in ask(rig, "two")


def test_an_answer_that_is_not_kept_any_more_is_asked_for_anew(rig, server) -> None:
    first = ask(rig, "one")
    for path in rig.home.outputs.rglob(f"*{first['output_ref'][2:]}*"):
        path.unlink()

    assert "reused_from" not in ask(rig, "two")


def test_the_policy_asks_for_all_its_tasks_and_a_task_may_say_otherwise(rig, server) -> None:
    ask(rig, "one", {"cache": True}, cache=None)

    assert ask(rig, "two", {"cache": True}, cache=None)["reused_from"] == "one:a"
    assert "reused_from" not in ask(rig, "three", {"cache": True}, cache=False)


def test_answers_of_other_tasks_in_the_prompt_are_part_of_the_question(rig, server) -> None:
    tasks = [{"id": "a", "prompt": "first"}, {"id": "b", "prompt": "then", "deps": ["a"], "cache": True}]
    rig.go(rig.start(id="one", tasks=tasks))
    assert rig.go(rig.start(id="two", tasks=tasks))["tasks"]["b"]["reused_from"] == "one:b"
    server.default = Reply(text="something else")

    assert "reused_from" not in rig.go(rig.start(id="three", tasks=tasks))["tasks"]["b"]


def test_a_command_is_never_taken_from_the_cache(rig) -> None:
    with pytest.raises(NotOnTheRoad) as refusal:
        rig.start(id="r", tasks=[{"id": "a", "argv": ["date"], "cache": True}])
    assert refusal.value.details["path"] == "tasks[0].cache"

"""``cache``: what was asked before and approved is not asked again; and nothing else is taken."""

from __future__ import annotations

from typing import Any

import pytest

from attempts import AttemptPolicy
from road.adding import Adding
from road.judging import Judge
from run_contract.errors import NotOnTheRoad
from store import run_steering
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
    assert (told["usage"]["tokens"], told["usage"]["cost_micros"]) == (0, 0)
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


UNTIL = {"of": "{{output}}", "test": "contains", "value": "wasp"}


@pytest.mark.parametrize("otherwise", ["fail", "take"])
def test_rounds_are_asked_anew_each_time_whatever_was_answered_before(rig, server, otherwise: str) -> None:
    ask(rig, "plain")
    told = ask(rig, "strict", repeat={"until": UNTIL, "most": 2, "otherwise": otherwise})

    assert told["state"] == ("completed" if otherwise == "take" else "failed")
    assert "reused_from" not in told
    assert len(server.requests) == 3


def test_what_was_left_of_rounds_is_taken_by_nobody(rig, server) -> None:
    ask(rig, "loose", repeat={"until": UNTIL, "most": 2, "otherwise": "take"})

    assert "reused_from" not in ask(rig, "plain")


def test_named_outputs_are_read_by_what_the_task_itself_declares(rig, server) -> None:
    server.default = Reply(text='{"name": "Maja", "kind": "bee"}')
    ask(rig, "one", outputs=["kind"])
    tasks = [
        TASK | {"outputs": ["name"]},
        {"id": "b", "prompt": "Praise {{deps.a.outputs.name}}", "deps": ["a"]},
    ]
    told = rig.go(rig.start(id="two", tasks=tasks))["tasks"]

    assert told["a"]["reused_from"] == "one:a"
    assert (told["b"]["state"], list(told["a"]["outputs"])) == ("completed", ["name"])
    assert "Maja" in server.requests[-1].prompt
    assert "outputs" not in ask(rig, "three")


def test_tasks_that_the_answer_asks_for_are_added_again(rig, server) -> None:
    server.default = Reply(text='yes\n```skep-tasks\n{"tasks": [{"id": "b", "prompt": "more"}]}\n```')
    ask(rig, "one", may_add=True)
    told = rig.go(rig.start(id="two", tasks=[TASK | {"may_add": True}]))["tasks"]

    assert told["a"]["reused_from"] == "one:a"
    assert (told["b"]["state"], told["b"]["added_by"]) == ("completed", "a")


@pytest.mark.parametrize("is_hit", [False, True])
def test_an_answer_is_put_off_where_it_cannot_be_told_what_follows_from_it(
    rig, server, monkeypatch, is_hit: bool
) -> None:
    server.default = Reply(text='yes\n```skep-tasks\n{"tasks": [{"id": "b", "prompt": "more"}]}\n```')
    if is_hit:
        ask(rig, "one", may_add=True)
    monkeypatch.setattr(Adding, "of_answer", unreadable)
    told = rig.go(rig.start(id="two", tasks=[TASK | {"may_add": True}]))["tasks"]["a"]

    assert (told["state"], rig.store.reader.task("two:a")["state"]) == ("pending", "delayed")
    assert "cannot be told yet: the disk is away" in rig.store.reader.task("two:a")["waiting_for"]


def test_what_follows_is_not_looked_at_where_three_workers_ended_on_it(rig, server, monkeypatch) -> None:
    server.default = Reply(text='yes\n```skep-tasks\n{"tasks": [{"id": "b", "prompt": "more"}]}\n```')
    monkeypatch.setattr(Judge, "why_not", lambda *_: "3 workers have ended since it ran")
    monkeypatch.setattr(Adding, "of_answer", never)
    told = rig.go(rig.start(id="one", tasks=[TASK | {"may_add": True}]))["tasks"]["a"]

    assert told["state"] == "pending"
    assert "3 workers have ended since it ran" in rig.store.reader.task("one:a")["waiting_for"]


def test_an_answer_counts_once_it_can_be_told_what_follows_from_it(rig, server, monkeypatch) -> None:
    server.default = Reply(text='yes\n```skep-tasks\n{"tasks": [{"id": "b", "prompt": "more"}]}\n```')
    monkeypatch.setattr(run_steering, "AGAIN_S", 0.0)
    run = rig.start(id="one", tasks=[TASK | {"may_add": True}])
    with monkeypatch.context() as broken:
        broken.setattr(Adding, "of_answer", unreadable)
        rig.step()

    assert {one["state"] for one in rig.go(run)["tasks"].values()} == {"completed"}
    assert "b" in rig.shown(run)["tasks"]


def test_an_answer_of_which_that_can_never_be_told_fails_after_three_times(rig, server, monkeypatch) -> None:
    monkeypatch.setattr(Adding, "of_answer", unreadable)
    monkeypatch.setattr(run_steering, "AGAIN_S", 0.0)
    error = ask(rig, "one", may_add=True)["error"]

    assert error["code"] == "invalid_result"
    assert "the disk is away, for the 3. time" in error["message"]
    assert len(server.requests) == 3


def unreadable(*_: Any) -> dict[str, Any]:
    raise OSError("the disk is away")


def never(*_: Any) -> dict[str, Any]:
    raise AssertionError("it was looked at")

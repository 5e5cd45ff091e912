"""Questions of a run to a person: asked in their turn, answered from anywhere, and the answer flows on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from errors import AlreadyAnswered, InvalidRequest
from run_contract.errors import InvalidInput
from store import deadlines, lanes, run_steering
from store.answering import Answer
from store.lanes import Gate
from testing.durable_runs import DurableRuns


@pytest.fixture
def rig(store, who) -> DurableRuns:
    return DurableRuns(store, who, lambda name: f"ok:{name}")


GATE: dict[str, Any] = {
    "id": "gate",
    "ask": "Ship {{deps.a.output}}?",
    "deps": ["a"],
    "choices": ["yes", "no"],
}
TASKS: list[dict[str, Any]] = [
    {"id": "a", "prompt": "x"},
    GATE,
    {
        "id": "ship", "prompt": "x", "deps": ["gate"],
        "when": {"of": "{{deps.gate.output}}", "test": "equals", "value": "yes"},
    },
    {
        "id": "stop", "prompt": "x", "deps": ["gate"],
        "when": {"of": "{{deps.gate.output}}", "test": "equals", "value": "no"},
    },
]  # fmt: skip


def ends(run: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {name: (one["state"], (one.get("error") or {}).get("code")) for name, one in run["tasks"].items()}


def question(rig: DurableRuns) -> Any:
    (found,) = rig.store.reader.decisions()
    return found


def test_a_question_is_put_up_in_its_turn_with_its_references_filled_in_as_text(rig) -> None:
    run = rig.start(tasks=TASKS)
    told = rig.go(run)

    assert told["state"] == "running"
    assert told["tasks"]["gate"]["waiting_for"] == f"a person: {run}:gate asks: Ship ok:a?"
    assert (question(rig)["question"], question(rig)["options"]) == (
        f"{run}:gate asks: Ship ok:a?", '["yes","no"]',
    )  # fmt: skip
    assert rig.begun == ["a"]


@pytest.mark.parametrize(("answer", "goes", "skipped"), [("yes", "ship", "stop"), ("no", "stop", "ship")])
def test_its_answer_is_its_output_and_branches_follow_it(rig, answer: str, goes: str, skipped: str) -> None:
    run = rig.start(tasks=TASKS)
    rig.go(run)
    rig.store.answer(Answer(question(rig)["id"], answer, "ann", "since Monday"))
    told = rig.go(run)

    assert (told["state"], told["tasks"]["gate"]["output"]) == ("completed", answer)
    assert ends(told)[goes] == ("completed", None)
    assert ends(told)[skipped] == ("skipped", "condition_not_met")
    assert (set(told["tasks"]["gate"]["usage"].values()), rig.begun) == ({0}, ["a", goes])


def test_a_yes_is_the_first_choice_and_a_no_the_one_that_says_so(rig) -> None:
    for say, answer in ((rig.store.approve, "yes"), (rig.store.reject, "no")):
        run = rig.start(tasks=[GATE | {"deps": [], "ask": "Ship?"}])
        rig.go(run)
        say(f"{run}:gate", "ann", "because")
        assert rig.shown(run)["tasks"]["gate"]["output"] == answer


def test_any_choice_can_be_named_and_no_other(rig) -> None:
    run = rig.start(tasks=[{"id": "q", "ask": "Which?", "choices": ["red", "green"]}])
    rig.go(run)
    with pytest.raises(InvalidRequest, match="choose one of red, green, refuse"):
        rig.store.choose(f"{run}:q", "blue", "ann")
    rig.store.choose(f"{run}:q", "green", "ann")
    assert rig.shown(run)["tasks"]["q"]["output"] == "green"


def test_a_question_without_choices_is_answered_in_a_persons_own_words(rig) -> None:
    run = rig.start(
        tasks=[{"id": "q", "ask": "Why?"}, {"id": "b", "prompt": "{{deps.q.output}}", "deps": ["q"]}]
    )
    rig.go(run)
    with pytest.raises(InvalidRequest, match="in your own words"):
        rig.store.approve(f"{run}:q", "ann")
    rig.store.approve(f"{run}:q", "ann", "because of the bees")
    told = rig.go(run)

    assert (told["state"], told["tasks"]["q"]["output"]) == ("completed", "because of the bees")


def test_a_question_that_is_refused_fails_its_task(rig) -> None:
    run = rig.start(
        policy={"on_failure": "continue"}, tasks=[{"id": "q", "ask": "Which?", "choices": ["red"]}]
    )
    rig.go(run)
    rig.store.reject(f"{run}:q", "ann", "not now")
    told = rig.shown(run)

    assert (told["state"], ends(told)["q"]) == ("failed", ("failed", "approval_denied"))
    assert told["tasks"]["q"]["error"]["message"] == "ann refused the question: not now"


def test_nobody_answers_in_time_and_its_task_fails(rig, clock) -> None:
    run = rig.start(policy={"timeout_ms": 1}, tasks=[{"id": "q", "ask": "Which?", "timeout_ms": 60_000}])
    rig.go(run)
    clock.advance(59.0)
    assert rig.store.write(deadlines.look) == 0
    wait = rig.store.reader.one("next_decision_deadline")["moment"] - clock.now()
    assert wait == pytest.approx(1.0)
    clock.advance(1.1)
    assert rig.store.write(deadlines.look) == 1
    assert ends(rig.shown(run))["q"] == ("failed", "timeout")
    assert rig.store.reader.open_decisions() == 0
    assert rig.store.reader.one("next_decision_deadline")["moment"] is None


def test_only_the_first_answer_counts(rig) -> None:
    run = rig.start(tasks=[GATE | {"deps": [], "ask": "Ship?"}])
    rig.go(run)
    asked = question(rig)["id"]
    rig.store.answer(Answer(asked, "yes", "ann"))
    with pytest.raises(AlreadyAnswered):
        rig.store.answer(Answer(asked, "no", "ben"))


def test_a_run_that_is_aborted_takes_its_question_back_and_a_resumed_one_asks_again(rig) -> None:
    run = rig.start(tasks=[GATE | {"deps": [], "ask": "Ship?"}])
    rig.go(run)
    rig.abort(run)
    assert (rig.shown(run)["state"], rig.store.reader.open_decisions()) == ("aborted", 0)

    rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
    rig.go(run)
    rig.store.approve(f"{run}:gate", "ann")
    assert rig.shown(run)["state"] == "completed"


def test_a_question_is_asked_where_no_model_answers(rig) -> None:
    """Its lane is open whatever is closed for models, and holds the number of its run all the same."""
    run = rig.start(tasks=[{"id": "q", "ask": "Which?"}])
    lane = rig.store.reader.task(f"{run}:q")["lane"]
    closed = Gate(closed_modes={"llm": "no model answers"})
    assert lanes.held_by_mode(lane, closed) is None
    assert lanes.lasting_part_of(lane) == f"ask|run:1/{run}"


def test_a_question_too_long_to_be_read_fails_its_task_before_anybody_is_asked(rig) -> None:
    rig.work = lambda name: "long " * 4_001
    run = rig.start(tasks=[{"id": "a", "prompt": "x"}, GATE])
    told = rig.go(run)
    assert ends(told)["gate"] == ("failed", "context_build_failed")
    assert rig.store.reader.open_decisions() == 0


def test_a_question_is_asked_for_each_item_of_a_list(rig, home) -> None:
    rig.read_outputs(home.outputs)
    run = rig.start(
        tasks=[{"id": "q", "ask": "Is {{item}} good?", "for_each": ["x", "y"], "choices": ["yes", "no"]}]
    )
    rig.go(run)
    for number, answer in ((1, "yes"), (2, "no")):
        rig.store.choose(f"{run}:q.{number}", answer, "ann")
    told = rig.go(run)
    assert (told["state"], json.loads(told["tasks"]["q"]["output"])) == ("completed", ["yes", "no"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": "m"}, "a question to a person has no model"),
        ({"prompt": "x"}, "give one of prompt, command, argv, ask and run"),
        ({"choices": ["a", "A"]}, "two choices are the same word"),
        ({"choices": ["refuse"]}, "'refuse' means something else here"),
        ({"choices": [" a"]}, "not taken here"),
        ({"repeat": {"until": {"of": "{{output}}", "test": "equals", "value": "x"}}}, "has no repeat"),
        ({"ask": "{{deps.b.output}}"}, "stands for nothing"),
    ],
)
def test_a_question_that_breaks_a_rule_is_refused(rig, change: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        rig.start(tasks=[{"id": "q", "ask": "Which?"} | change])


def test_choices_are_of_questions_alone(rig) -> None:
    with pytest.raises(InvalidInput, match="give ask"):
        rig.start(tasks=[{"id": "q", "prompt": "Which?", "choices": ["a"]}])

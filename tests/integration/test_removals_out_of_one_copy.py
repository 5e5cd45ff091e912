"""Many tasks that are taken out of one copy: asked about once, until the copy or a person says otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from store import decisions, recording, steering
from store.records import Question
from tests.integration.test_a_copy_that_stays_open import A, retry
from tests.unit.queue_file.keeping import Keeping


@pytest.fixture
def asked(keeping: Keeping) -> dict[str, Any]:
    """A copy that lacks 11 of 20 tasks, about which a person is asked."""
    keeping.put(*({"id": f"t{at:02}", "prompt": "x"} for at in range(20)))
    content = keeping.shown()
    content["tasks"] = content["tasks"][11:]
    keeping.save(content)
    keeping.round()
    assert keeping.store.reader.open_decisions() == 1
    return content


@pytest.mark.parametrize("change", [{}, {"x": 1}])
def test_an_open_question_about_a_removal_is_not_answered_by_the_copy_that_asked_it(
    keeping: Keeping, asked: dict[str, Any], change: dict[str, Any]
) -> None:
    keeping.store.write(lambda tx: steering.cancel(tx, "t00", "cli", "x"))
    keeping.round()
    keeping.save(asked | change)
    keeping.round()

    assert list(keeping.statuses().values()).count("pending") == 19
    assert keeping.store.reader.open_decisions() == 1


def test_a_small_removal_in_a_newer_copy_leaves_the_question_open(
    keeping: Keeping, asked: dict[str, Any]
) -> None:
    keeping.edit(lambda content: content["tasks"].pop(0))
    keeping.round()

    assert list(keeping.statuses().values()).count("pending") == 19
    assert keeping.store.reader.open_decisions() == 1


def test_a_removal_that_its_copy_takes_back_is_asked_about_no_more(
    keeping: Keeping, asked: dict[str, Any]
) -> None:
    everything = keeping.shown()["tasks"]
    keeping.save(asked | {"tasks": everything[6:]})
    keeping.round()
    assert list(keeping.statuses().values()).count("cancelled") == 6
    assert keeping.store.reader.open_decisions() == 0


def test_a_small_removal_that_a_newer_copy_takes_back_leaves_the_question_open(
    keeping: Keeping, asked: dict[str, Any]
) -> None:
    newer = keeping.shown()
    assert newer["revision"] != asked["revision"]
    for tasks in (newer["tasks"][1:], newer["tasks"]):
        keeping.save(newer | {"tasks": tasks})
        keeping.round()

    assert keeping.store.reader.open_decisions() == 1


def test_what_another_copy_is_asked_about_is_not_cancelled_by_one_that_takes_others_back(
    keeping: Keeping,
) -> None:
    keeping.put(*({"id": f"t{at:02}", "prompt": "x"} for at in range(60)))
    older = keeping.shown()
    tasks = older["tasks"]
    keeping.save(older | {"tasks": tasks[1:]})
    keeping.round()
    retry(keeping, "t00")
    newer = keeping.shown()
    keeping.save(older | {"tasks": tasks[15:]})
    keeping.round()
    keeping.save(newer | {"tasks": newer["tasks"][1:40]})
    keeping.round()
    assert keeping.store.reader.open_decisions() == 2
    keeping.save(older | {"tasks": [*tasks[1:10], *tasks[15:]]})
    keeping.round()

    assert keeping.status("t10") == "cancelled"
    assert keeping.status("t00") == "pending", "it lacked already, and was sent back since"
    assert keeping.store.reader.open_decisions() == 1


def run_and_reject(keeping: Keeping, task_id: str) -> None:
    """A task runs, and a person sends its result back."""
    ref = keeping.claim()
    assert ref.id == task_id
    question = Question("review", "Is it good?", ("approve", "reject"), {"task": task_id, "grant": None})

    def review(tx: Any) -> None:
        tx.run("to_review", seq=steering.find(tx, task_id)["seq"], result='{"result":"done"}')
        recording.hold(tx, steering.find(tx, task_id), question)

    keeping.store.write(review)
    keeping.store.choose(task_id, "reject", "cli", "do it so")
    keeping.round()


@pytest.mark.parametrize("how", ["retried", "rejected", "stayed"])
def test_what_was_sent_back_while_a_person_was_asked_is_not_cancelled_when_others_are_taken_back(
    keeping: Keeping, asked: dict[str, Any], how: str
) -> None:
    everything = keeping.shown()["tasks"]
    is_sent_back = how != "stayed"
    if how == "retried":
        keeping.store.write(lambda tx: steering.cancel(tx, "t00", "cli", "x"))
        retry(keeping, "t00")
    if how == "rejected":
        run_and_reject(keeping, "t00")
    keeping.save(asked | {"x": 1})
    keeping.round()
    for left in ([*everything[3:5], *asked["tasks"]], everything, everything[1:]):
        keeping.save(asked | {"tasks": left})
        keeping.round()
        if len(left) < 19:
            assert (keeping.status("t00") == "pending") is is_sent_back
            assert keeping.status("t01") == "cancelled"

    assert keeping.status("t00") == "cancelled", "its copy had it again, and takes it out anew"


def test_a_copy_that_has_what_was_sent_back_while_a_person_was_asked_takes_the_question_back(
    keeping: Keeping, asked: dict[str, Any]
) -> None:
    everything = keeping.shown()["tasks"]
    keeping.store.write(lambda tx: steering.cancel(tx, "t00", "cli", "x"))
    retry(keeping, "t00")
    keeping.save(asked | {"tasks": [everything[0], *asked["tasks"]]})
    keeping.round()

    assert keeping.status("t00") == "pending"
    assert list(keeping.statuses().values()).count("cancelled") == 10
    assert keeping.store.reader.open_decisions() == 0


def test_a_question_whose_tasks_its_copy_has_again_is_withdrawn_where_it_lacks_as_many_others(
    keeping: Keeping,
) -> None:
    keeping.put(*({"id": f"t{at:02}", "prompt": "x"} for at in range(40)))
    content = keeping.shown()
    tasks = content["tasks"]
    for left in (tasks[14:], tasks[:14] + tasks[28:]):
        keeping.save(content | {"tasks": left})
        keeping.round()

    [question] = keeping.store.reader.decisions()
    assert json.loads(question["payload"])["ids"] == [f"t{at}" for at in range(14, 28)]


@pytest.mark.parametrize("is_newer", [True, False])
def test_a_question_of_an_earlier_version_is_withdrawn_by_the_copy_that_lacked_what_it_asks_about(
    keeping: Keeping, asked: dict[str, Any], is_newer: bool
) -> None:
    forget = "UPDATE decision SET payload = json_remove(payload, '$.revision')"
    keeping.store.write(lambda tx: tx.connection.execute(forget))
    newer = keeping.shown()
    keeping.save((newer if is_newer else asked) | {"tasks": [*newer["tasks"], A]})
    keeping.round()

    assert keeping.status("a") == "pending"
    assert keeping.store.reader.open_decisions() == is_newer


def test_a_file_whose_lists_are_broken_takes_nothing_back(keeping: Keeping, asked: dict[str, Any]) -> None:
    everything = keeping.shown()["tasks"]
    keeping.save(asked | {"tasks": everything[6:], "failed": "oops"})
    keeping.round()
    assert keeping.store.reader.open_decisions() == 1
    keeping.save(asked | {"tasks": everything[6:]})
    keeping.round()

    assert list(keeping.statuses().values()).count("cancelled") == 6
    assert keeping.store.reader.open_decisions() == 0


def test_a_question_about_others_does_not_ask_again_about_what_was_sent_back(keeping: Keeping) -> None:
    keeping.put(A, *({"id": f"t{at:02}", "prompt": "x"} for at in range(40)))
    content = keeping.shown()
    content["tasks"] = [each for each in content["tasks"] if each["id"] != "a"]
    keeping.save(content)
    keeping.round()
    assert keeping.status("a") == "cancelled"
    retry(keeping, "a")
    for left in (25, 24, 36):
        content["tasks"] = content["tasks"][:left]
        if left == 36:
            content["tasks"] += [{"id": f"t{at:02}", "prompt": "x"} for at in range(24, 36)]
        keeping.save(content)
        keeping.round()
        assert keeping.status("a") == "pending"


def test_the_same_removal_is_asked_about_again_after_it_was_taken_back(keeping: Keeping) -> None:
    keeping.put(*({"id": f"t{at:02}", "prompt": "x"} for at in range(15)))
    content = keeping.shown()
    everything = content["tasks"]
    for _ in range(2):
        keeping.save(content | {"tasks": []})
        keeping.round()
        [question] = keeping.store.reader.decisions()
        answer(keeping, question["id"])
        keeping.save(content | {"tasks": everything})
        keeping.round()

    assert set(keeping.statuses().values()) == {"pending"}


def answer(keeping: Keeping, question: str) -> None:
    """Keep what was taken out."""
    keeping.store.write(lambda tx: decisions.answer(tx, question, "keep", "cli", "not meant"))

"""What an answer says that others build on: lists and objects in fences, and scores with their scale."""

from __future__ import annotations

import pytest

from run_contract.errors import InvalidInput
from run_contract.records import Condition, Repeat, RunTask, TaskResult
from runs import conditions, named_outputs, rounds

FENCED = 'Here they are:\n\n```json\n["p", "q"]\n```\n\nShall I go on?'


@pytest.mark.parametrize(
    "text",
    [
        '["p", "q"]',
        '```json\n["p",\n "q"]\n```',
        '```\n["p", "q"]\n```',
        '```JSON\r\n["p", "q"]\r\n```\r\n',
        FENCED,
        "```python\nprint()\n```\n" + FENCED,
        '```json\n["old"]\n```\n' + FENCED,
        "- p\n- q",
        "```\np\nq\n```",
    ],
)
def test_a_list_is_read_alone_or_in_a_fence_with_words_around_it(text: str) -> None:
    assert conditions.items_of(RunTask("l", for_each="{{x}}"), {"x": text}, 10) == ["p", "q"]


def test_an_object_is_read_by_the_same_rule() -> None:
    text = '```python\nprint()\n```\nSo:\n```json\n{"a": "1"}\n```\nDone.'
    assert named_outputs.read(text, ["a"]) == {"a": "1"}
    assert named_outputs.read(FENCED, ["a"]) == {}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("score: 60/100", 60),
        ("score: 60 / 100.", 60),
        ("**Score: 60**/100", 60),
        ("`score: 60` of 100", 60),
        ("60 of 100", 60),
        ("60 (out of 100)", 60),
        ("60 Out Of 100 points", 60),
        ("60%", 60),
        ("First 12, then 95.5/100", 95.5),
        ("It was 60/100 and is 95", 95),
        ("1,200 words", 1200),
        ("-3 of 10", -3),
        ("two of v2, 7", 7),
    ],
)
def test_a_score_counts_without_its_scale(text: str, number: float) -> None:
    for test in ("at_least", "at_most"):
        assert conditions.holds(Condition("{{x}}", test, str(number)), {"x": text})


def test_no_number_will_not_do_yet_only_where_the_last_answer_is_taken() -> None:
    until = Condition("{{output}}", "at_least", "90")
    assert not rounds.is_done(Repeat(until, 3, None, "take"), TaskResult("fine"), {})
    with pytest.raises(InvalidInput, match="no number to compare"):
        rounds.is_done(Repeat(until, 3, None, "fail"), TaskResult("fine"), {})

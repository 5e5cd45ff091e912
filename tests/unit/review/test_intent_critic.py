"""What a critic can prove of a must-not, and what is only noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from outcome import Outcome
from review import critics
from review.intent_critic import compare
from runtime_contract import Task


def found(answer: str, own: str = "Write a summary", **intent: list[str]) -> list[tuple[str, bool]]:
    return [(each.text, each.is_violation) for each in compare(intent, own, answer)]


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("Do not mention prices or discounts.", "Our Prices are low"),
        ('Never use the word "synergy".', "More Synergy!"),
        ("Do not name Acme in the summary.", "Acme is good"),
        ("No emojis, links or tables.", "Look: https://example.org"),
        ("Avoid exclamation marks.", "Great!"),
        ("Write it without bullet points.", "- one\n- two"),
        ("Don't use headings, please.", "# One"),
        ("Do not use code blocks.", "```\nx\n```"),
        ("Do not exceed 5 words.", "one two three four five six"),
        ("Never say honey.", "Bees make honey."),
        ("You must not say honey.", "Bees make honey."),
        ("Avoid the word honey.", "Bees make honey."),
        ("Write of bees without the word honey.", "Bees make honey."),
        ('It must not contain the word "honey".', "Bees make honey."),
        ("Do not use emojis and do not mention honey.", "Bees make honey."),
    ],
)
def test_what_is_violated(rule, answer):
    assert [is_violation for _, is_violation in found(answer, must_nots=[rule])] == [True]


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("Do not use jargon.", "Synergy and leverage"),
        ("Do not add a table of contents.", "| a |\n|---|"),
        ("Do not break links.", "https://example.org"),
        ("Do not name Acme in the press release.", "Acme is good"),
        ("Do not use lists unless there are steps.", "- one"),
        ("Never use more than two exclamation marks.", "Great!"),
        ("Avoid exclamation marks.", "The code is `a != b`."),
        ("Do not mention prices.", "It is pricey; enterprises like it."),
        ("Do not mention it.", "It is red."),
        ("Never mention names or them.", "The names of them all."),
        ("Do not name the client.", "The client is glad."),
        ("Do not fail to mention honey.", "Bees make honey."),
        ("Do not forget to mention honey.", "Bees make honey."),
        ("Never omit to name Acme.", "Acme is good"),
        ("Do not miss mentioning honey.", "Bees make honey."),
        ("No post without mentioning honey.", "Bees make honey."),
        ("Do not neglect to use more than 5 words.", "one two three four five six"),
        ("Do not say anything of it.", "Is there anything of it?"),
        ("Do not mention our plans for the next year to anyone outside.", "our plans"),
    ],
)
def test_what_cannot_be_proved_is_not_held_against_a_result(rule, answer):
    assert found(answer, must_nots=[rule]) == []


def test_what_only_differs_is_noted_and_rejects_nothing():
    assert found(
        "one two three", constraints=["Keep it under 2 words."], acceptance=['It must mention "rye".']
    ) == [
        ("the answer has 3 words: Keep it under 2 words.", False),
        ("the answer does not mention 'rye': It must mention \"rye\".", False),
    ]
    rambling = "The weather was fine and everyone was glad about that. " * 6
    assert found(rambling, "Explain photosynthesis in green plants")[0][0].startswith(
        "the answer speaks of none of"
    )
    assert found(rambling, "Translate the green plants into French") == []


def test_what_only_a_model_named_rejects_nothing():
    rule = "Do not mention bees."
    assert found("bees", must_nots=[rule], added=[rule]) == [
        (f"the answer mentions 'bees', though it must not: {rule}", False)
    ]


def test_an_intent_of_any_shape_is_no_trouble():
    assert compare({"must_nots": None, "constraints": [1, {}], "added": "x"}, "", "") == []


def judged(answer: str, **fields: object) -> critics.Work:
    task = Task.model_validate({"id": "p.1", "mode": "llm", "prompt": "Write"} | fields)
    outcome = Outcome(
        task_id="p.1", lease=1, mode="llm", status="completed", result="", started_at=0.0, ended_at=1.0
    )
    return critics.Work(
        task, outcome, answer, Path(), {"must_nots": ["No emojis."], "constraints": ["At most 1 word."]}
    )


def test_a_violated_must_not_rejects_and_drift_does_not(tmp_path):
    work = judged("good 😀")
    assert critics.judge(work).issues == ["the answer has emoji, though it must not: No emojis."]
    assert critics.drift_of(work) == []
    assert critics.judge(judged("good day")).decision == "APPROVE"
    assert critics.drift_of(judged("good day")) == ["the answer has 2 words: At most 1 word."]
    assert critics.judge(judged("good 😀", review="none")).decision == "APPROVE"

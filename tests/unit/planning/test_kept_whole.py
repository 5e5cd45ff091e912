"""Words that want an ask to stay one, and words that are about something else."""

from __future__ import annotations

import pytest

from planning.kept_whole import kept_whole
from planning.plan import PlanRules, consider
from runtime_contract import Task

LIST = "Follow these steps:\n1. Collect facts on rye\n2. Write a draft of a song\n3. Translate the song"


@pytest.mark.parametrize(
    "words",
    [
        "Do not split this. X",
        "Don't split it up, please.",
        "Research A, then write B. No subtasks please.",
        "Do it in one go.",
        "Research bees, then write a poem, in one go.",
        "Keep it in one piece.",
        "I don't want this divided.",
        "I do not want this task to be split into subtasks.",
        "Do not split into parts",
        "Please do not break this down into steps.",
        "Never decompose the task.",
        "Answer as one task.",
        "Without splitting: research A and write B.",
        "This must not be split up.",
        "All in one go: research bees, then write",
        "Do everything in one go, research A then B.",
        "Please keep this as one.",
        "No splitting.",
        "Do not split",
        "All in a single answer.",
        "Research bees, then write a poem, all in a single answer.",
        "I want one reply, not several.",
        "Skip the decomposition.",
        "Do it without splitting.",
        "Please do this without breaking it up.",
    ],
)
def test_an_ask_that_wants_to_stay_one_is_heard(words: str) -> None:
    assert kept_whole(words)


@pytest.mark.parametrize(
    "words",
    [
        "Do not split hairs.",
        "Research bees. Do not split the summary over two pages.",
        "Do not split the report into chapters.",
        "Do not split it over two pages.",
        "Do not break the build.",
        "Do not break it.",
        "Never divide by zero.",
        "Without splitting the atom, explain energy.",
        "Do not split this list over columns.",
        "The plugin must create no subtasks.",
        "Keep it together with the invoice in the folder named one.",
        "People who climb Everest in one go are rare; research them, then write.",
        "Do not divide the class into groups.",
        "Keep the vase in one piece.",
        "Do not cut it.",
        "Do not split infinitives.",
        "Don't break this API.",
        "Do not do it in one go.",
        "Research bees; do the research in one go.",
        "Research tools that run without splitting, then write.",
        "Do not treat this as one task.",
        "Do not put it in a single answer.",
    ],
)
def test_what_is_to_be_left_whole_may_be_something_else(words: str) -> None:
    assert kept_whole(words) is None


@pytest.mark.parametrize(
    ("words", "is_split"),
    [("Do not split hairs.", True), ("No subtasks please.", False), ("I don't want this divided.", False)],
)
def test_a_plan_goes_by_it(words: str, is_split: bool) -> None:
    decision = consider(Task(id="t", mode="llm", prompt=f"{words}\n\n{LIST}"), PlanRules())
    assert (decision.split is not None) is is_split

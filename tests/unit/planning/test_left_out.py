"""Steps that the words have and a model's plan has not."""

from __future__ import annotations

import pytest

from planning.left_out import left_out

ASKED = [
    "Research bees",
    "Write a summary from it",
    "Write a poem from it",
    "Check both against the research",
]


@pytest.mark.parametrize(
    ("proposed", "missing"),
    [
        (["Research bees", "Write a summary of the research", "Write a poem"], [ASKED[3]]),
        (["Look into bees", "Compose a summary", "Create a poem", "Verify the two"], []),
        (["Research bees", "Write a poem on bees", "Review it"], [ASKED[1]]),
        ([], ASKED),
    ],
)
def test_what_no_part_does_is_named(proposed: list[str], missing: list[str]) -> None:
    assert left_out(ASKED, proposed) == missing


def test_a_step_without_words_of_its_own_is_known_by_its_verb() -> None:
    assert left_out(["Research bees", "Translate them"], ["Look into bees"]) == ["Translate them"]
    assert left_out(["Research bees", "Translate them"], ["Look into bees", "Translate the result"]) == []

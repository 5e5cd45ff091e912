"""`expect.commands`: one command or several, each a list of words, and not too many."""

from __future__ import annotations

from typing import Any

import pytest

from errors import InvalidTask
from runtime_contract import Limits, normalize_task


def commands(value: Any) -> list[list[str]]:
    task, _ = normalize_task({"id": "t", "prompt": "x", "expect": {"commands": value}}, Limits())
    return task.expect.commands


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ([], []),
        (["pytest", "-q"], [["pytest", "-q"]]),
        ([["pytest", "-q"]], [["pytest", "-q"]]),
        ([["a"], ["b", "c"]], [["a"], ["b", "c"]]),
    ],
)
def test_one_command_and_several_are_read_alike(given, read):
    assert commands(given) == read


@pytest.mark.parametrize("given", ["pytest -q", [[]], [["a", 1]], ["a", ["b"]], [["a"]] * 11, {"a": 1}])
def test_anything_else_names_the_field(given):
    with pytest.raises(InvalidTask, match=r"task\.expect\.commands"):
        commands(given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([[]], "task.expect.commands[0]: must be a list that is not empty, got []"),
        ([["a"], []], "task.expect.commands[1]: must be a list that is not empty, got []"),
        ([["a"]] * 11, "task.expect.commands: must be a list of at most 10, got [['a'], "),
    ],
)
def test_too_few_and_too_many_words_are_told_in_plain_words(given, told):
    with pytest.raises(InvalidTask) as refused:
        commands(given)
    assert refused.value.message.startswith(told)


def test_they_count_against_the_bound_of_expect():
    with pytest.raises(InvalidTask, match="limit_extra_bytes"):
        commands([["x" * 100_000]])

"""What a person is given to edit, and what is made of what comes back."""

from __future__ import annotations

import pytest

from errors import InvalidTask, TransitionNotAllowed
from redaction import clean_value
from runtime_contract import Limits
from store.editing import free_id, new_task, restored

SECRET = "sk-proj-" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5z"


@pytest.mark.parametrize(
    ("task_id", "known", "given"),
    [
        ("notes", set(), "notes-2"),
        ("notes", {"notes-2", "notes-3"}, "notes-4"),
        ("notes-2", {"notes-2"}, "notes-3"),
        ("run:notes", set(), "notes-2"),
        ("<b>", set(), "task-2"),
        ("x" * 128, set(), "x" * 120 + "-2"),
    ],
)
def test_a_copy_gets_the_next_number_that_nobody_has(task_id, known, given):
    assert free_id(task_id, known.__contains__) == given


@pytest.mark.parametrize(
    "kept",
    [
        {"prompt": f"Log in with {SECRET}."},
        {"argv": ["curl", SECRET], "tags": ["x"]},
        {"extra": {"password": "hunter2hunter2", "deep": [{"key": SECRET}]}},
    ],
)
def test_what_was_not_shown_comes_back_where_its_mark_stands(kept):
    shown = clean_value(kept)
    assert shown != kept

    assert restored(shown, kept) == kept
    assert restored(shown | {"priority": 3}, kept) == kept | {"priority": 3}


@pytest.mark.parametrize("where", ["prompt", "command"])
def test_a_mark_whose_place_is_not_known_is_refused_by_its_field(where):
    shown = clean_value({where: f"use {SECRET} now"})

    with pytest.raises(InvalidTask, match=rf"task\.{where}: holds a mark in place of a secret"):
        restored({where: shown[where] + "!"}, {where: f"use {SECRET} now"})


def test_a_text_that_always_held_such_words_is_taken_as_it_is():
    kept = {"prompt": "What does [redacted:openai-key] mean?"}

    assert restored({"prompt": kept["prompt"] + " Say."}, kept) == {"prompt": kept["prompt"] + " Say."}


@pytest.mark.parametrize(
    ("doc", "error", "told"),
    [
        ({"prompt": "x"}, InvalidTask, "task.id"),
        ({"id": 3, "prompt": "x"}, InvalidTask, "task.id"),
        ({"id": "a b", "prompt": "x"}, InvalidTask, "id"),
        ({"id": "new"}, InvalidTask, "prompt"),
        ({"id": "known", "prompt": "x"}, TransitionNotAllowed, "give another id"),
        ({"id": "new", "prompt": "x", "status": "approved"}, InvalidTask, "status"),
        ({"id": "new", "prompt": "x", "mode": "robot"}, InvalidTask, "mode"),
    ],
)
def test_a_copy_that_cannot_be_taken_says_why(doc, error, told):
    with pytest.raises(error, match=told):
        new_task(doc, Limits(), {"known"}.__contains__)

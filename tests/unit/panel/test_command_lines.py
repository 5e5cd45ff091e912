"""Command lines that stand beside buttons are safe to paste, whatever the id."""

from __future__ import annotations

import shlex

import pytest

from panel import command_lines


def decision(task_id, kind="review"):
    return {"id": f"{kind}-0a1b", "task_id": task_id, "kind": kind}


@pytest.mark.parametrize("task_id", ["t-1", "run:task.1", "it's", "$(reboot)", "a b; rm -rf ~", "x\ny", "-f"])
def test_an_id_is_one_word_and_no_option(task_id):
    words = shlex.split(command_lines.line("cancel", task_id))

    assert words[:2] == ["skep", "cancel"]
    assert words[-1] == task_id
    assert ("--" in words) is task_id.startswith("-")


@pytest.mark.parametrize(
    ("kind", "button", "line"),
    [
        ("review", "approve", "skep approve t-1"),
        ("review", "reject", "skep reject --reason '...' t-1"),
        ("review", "fail", "skep reject --reason '...' --final t-1"),
        ("interrupted", "again", "skep retry t-1"),
        ("interrupted", "done", "skep approve t-1"),
        ("interrupted", "failed", "skep reject --reason '...' t-1"),
        ("execution", "run", "skep approve t-1"),
        ("execution", "refuse", "skep reject --reason '...' t-1"),
        ("plan", "split", "skep approve t-1"),
        ("plan", "whole", "skep reject --reason '...' t-1"),
    ],
)
def test_every_answer_has_its_line(kind, button, line):
    assert command_lines.of_answer(decision("t-1", kind), button) == line


@pytest.mark.parametrize(
    ("kind", "button", "line"),
    [
        ("removal", "accept", "skep approve removal-0a1b"),
        ("circuit_breaker", "wait", "skep reject --reason '...' circuit_breaker-0a1b"),
        ("budget", "more", "skep approve --answer more budget-0a1b"),
    ],
)
def test_a_question_about_no_task_is_answered_by_its_own_id(kind, button, line):
    assert command_lines.of_answer(decision(None, kind), button) == line


@pytest.mark.parametrize(
    ("button", "line"),
    [
        ("answer", "skep approve --comment '...' r:q"),
        ("refuse", "skep reject --reason '...' r:q"),
        ("dark red", "skep approve --answer 'dark red' r:q"),
    ],
)
def test_every_answer_to_a_question_of_a_run_has_its_line(button, line):
    assert command_lines.of_answer(decision("r:q", "ask"), button) == line

"""The question about an interrupted task says what each command does, and a circle is sent to its edit."""

from __future__ import annotations

import pytest

OF_CUT = (
    "skep retry cut runs it again, skep approve cut counts it as done, "
    "or skep reject cut --reason '...' counts it as failed"
)


def test_of_an_interrupted_task_every_command_is_told_with_what_it_does(walk, run, ask):
    walk.interrupted(id="cut")

    assert run("status").stdout.endswith(f"\n         {OF_CUT}\n")
    shown = run("show", "cut").stdout
    assert f"way on        {OF_CUT}\n" in shown
    assert "Run it again, count it as done, or count it as failed?" in shown
    assert f"answer        {OF_CUT}\n" in run("show", ask("show", "cut")["decision"]["id"]).stdout


@pytest.mark.parametrize(
    ("command", "says", "becomes"),
    [
        (("retry", "cut"), "cut runs again.", "ready"),
        (("approve", "cut"), "cut counts as done.", "approved"),
        (("reject", "cut", "--reason", "half of it"), "cut counts as failed.", "failed"),
    ],
)
def test_each_of_these_commands_does_what_is_said_of_it(walk, run, command, says, becomes):
    walk.interrupted(id="cut")

    assert run(*command).stdout == f"{says}\n"
    assert walk.store.reader.task("cut")["state"] == becomes


def test_status_tells_the_commands_of_a_question_once(walk, run):
    walk.waits_for_leave(("/usr/bin/echo", "hello"), id="a", profile="agent", prompt="hello")

    told = run("status").stdout

    assert "asks     May a run? " in told
    assert " It would run: " in told
    assert told.count("skep approve a") == 1
    assert told.endswith("         skep approve a lets it run, or skep reject a --reason '...' does not\n")


def test_words_of_a_command_that_look_like_the_way_to_answer_are_not_taken_out(walk, run):
    walk.waits_for_leave(("/usr/bin/echo", "(skep approve b)"), id="a", profile="agent", prompt="hello")

    assert "(skep approve b)" in run("status").stdout


def test_a_result_is_approved_or_rejected_as_before(walk, run):
    walk.held(id="a", review="human")

    for told in (run("status").stdout, run("show", "a").stdout):
        assert "skep approve a, or skep reject a --reason '...'\n" in told

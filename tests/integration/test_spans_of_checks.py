"""Spans of the commands that check a result: beneath their attempt, once, and never with what they print."""

from __future__ import annotations

from typing import Any

import pytest

from outcome import Outcome
from store import checks, recording
from telemetry import names
from tests.integration.road_rig import RoadRig
from tests.integration.trace_rig import *  # noqa: F403  the fixtures
from tests.integration.trace_rig import ANSWER, PROMPT, named, spans, walk


def checks_told(rig: RoadRig) -> list[dict[str, Any]]:
    return [span for span in spans(rig) if span["name"] == "execute_tool check"]


def test_commands_that_check_a_result_are_told_beneath_their_attempt(rig, follow) -> None:
    follower = follow()
    rig.submit(prompt=PROMPT, expect={"commands": [["true"], ["ls", "words-of-the-check"]]}, max_attempts=1)
    walk(rig)

    follower.follow_up()

    attempt, checks = named(rig, "attempt"), checks_told(rig)
    assert {span["parentSpanId"] for span in checks} == {attempt["spanId"]}
    told = [span["attributes"] for span in checks]
    assert [(each[names.CHECK], each[names.TOOL_NAME]) for each in told] == [
        ("command:0", "check"),
        ("command:1", "check"),
    ]
    assert (told[0][names.EXIT_CODE], "status" in checks[0]) == ("0", False)
    assert (told[1][names.EXIT_CODE], told[1][names.ERROR_TYPE]) == ("2", "exit_code")
    assert named(rig, "task")["attributes"][names.ERROR_TYPE] == "rejected"
    for span in checks:
        assert int(attempt["startTimeUnixNano"]) <= int(span["startTimeUnixNano"])
        assert int(span["endTimeUnixNano"]) <= int(attempt["endTimeUnixNano"])
    text = (rig.home.traces / "spans.jsonl").read_text("utf-8")
    assert "words-of-the-check" not in text
    assert "No such file" not in text, "what a command printed is told nowhere"


def test_each_attempt_has_the_checks_of_its_own_and_each_is_told_once(rig, follow) -> None:
    follower = follow()
    rig.submit(prompt=PROMPT, expect={"commands": [["false"]]}, max_attempts=2)
    walk(rig)
    walk(rig)
    follower.follow_up()
    follower.follow_up()

    attempts = {span["spanId"] for span in spans(rig) if span["name"] == "attempt"}
    checks = checks_told(rig)
    assert (len(attempts), len({span["spanId"] for span in checks})) == (2, 2)
    assert [span["parentSpanId"] for span in checks] == list(dict.fromkeys(x["parentSpanId"] for x in checks))
    assert {span["parentSpanId"] for span in checks} == attempts


@pytest.mark.parametrize("given", [[["ls", "words"]], ["ls", "words"]])
def test_the_command_of_a_check_is_told_where_a_person_says_so(rig, follow, given) -> None:
    follower = follow(otel_prompts=True)
    rig.submit(prompt=PROMPT, expect={"commands": given}, max_attempts=1)
    walk(rig)

    follower.follow_up()

    (check,) = checks_told(rig)
    assert check["attributes"][names.COMMAND_LINE] == "ls words"
    assert "No such file" not in (rig.home.traces / "spans.jsonl").read_text("utf-8")


def test_a_check_whose_process_died_ends_with_its_attempt_as_an_error(rig, follow) -> None:
    follower = follow()
    claim = rig.claim(id="t-1", prompt=PROMPT, expect={"commands": [["true"]]})
    now = rig.store.clock.now()
    outcome = Outcome(
        status="completed", task_id="t-1", lease=claim.ref.lease, mode="llm", result=ANSWER, output=ANSWER,
        started_at=now, ended_at=now,
    )  # fmt: skip

    def leave(tx: Any) -> None:
        recording.start_cycle(tx, claim.ref, "gone/1/1")
        recording.record_outcome(tx, outcome)
        checks.start(
            tx, checks.CheckRef(claim.ref, claim.seq, "command:0"), "gone/1/1", None, may_repeat=True
        )

    rig.store.write(leave)
    rig.store.write(lambda tx: recording.cancel_running(tx, claim.ref, "ada"))

    follower.follow_up()

    (check,) = checks_told(rig)
    assert check["attributes"][names.ERROR_TYPE] == "interrupted"
    assert check["endTimeUnixNano"] == named(rig, "attempt")["endTimeUnixNano"]
    assert int(check["endTimeUnixNano"]) > int(check["startTimeUnixNano"])

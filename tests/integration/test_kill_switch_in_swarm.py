"""The kill switch where work is done: nothing begins, what runs is killed, and none of it is a failure."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from outcome import Outcome
from safety.gateway import SafetyGateway
from safety.long_texts import GivenUp
from store import kill_file
from store.halting import Trip
from testing.model_script import Reply
from tests.integration.swarm_rig import SwarmRig, eventually


def stored(rig: SwarmRig, claim) -> Outcome:
    return Outcome.model_validate_json(rig.attempt(claim)["outcome"])


def test_a_running_command_is_killed_and_what_it_printed_is_kept(rig):
    claim = rig.claim(command="sleep 60")
    call = rig.in_background(claim)
    eventually(rig.commands, "the command runs")

    rig.home.kill_switch.touch()

    body = call.answer().json()
    assert (body["status"], body["failure"]["code"]) == ("interrupted", "kill_switch")
    assert (body["failure"]["retryable"], body["failure"]["counts"]) == (False, False)
    assert body["output_ref"]
    assert rig.commands() == []
    assert stored(rig, claim).status == "interrupted"


def test_all_that_runs_is_killed_together(rig):
    claims = [rig.claim(command="sleep 60") for _ in range(8)]
    calls = [rig.in_background(claim) for claim in claims]
    eventually(lambda: len(rig.commands()) == 8, "eight commands run")

    rig.home.kill_switch.touch()

    assert {call.answer().json()["status"] for call in calls} == {"interrupted"}
    assert rig.commands() == []


def test_a_model_call_is_abandoned_although_the_model_says_nothing(rig, model):
    model.reply_with(Reply(hold=threading.Event()))
    claim = rig.claim(prompt="hello")
    call = rig.in_background(claim)
    model.wait_for_requests(1)

    rig.home.kill_switch.write_text("too dear")

    assert call.answer().json()["status"] == "interrupted"


def test_a_model_call_is_abandoned_in_the_middle_of_its_answer(rig, model):
    model.reply_with(Reply(text="first second", hold_stream=threading.Event()))
    claim = rig.claim(prompt="hello")
    call = rig.in_background(claim)
    live = rig.home.outputs / "live"
    eventually(lambda: [file for file in live.glob("*") if file.read_bytes() == b"first"], "it streams")

    rig.home.kill_switch.touch()

    body = call.answer().json()
    assert (body["status"], body["output"]) == ("interrupted", "first")


@pytest.mark.parametrize("task", [{"command": "echo no"}, {"prompt": "hello"}])
def test_nothing_begins_and_the_reason_is_told(rig, model, task):
    rig.home.kill_switch.write_text("it loops")
    claim = rig.claim(**task)

    answer = rig.cycle(claim)

    assert (answer.status_code, answer.json()["code"]) == (503, "kill_switch_on")
    assert answer.json()["detail"] == "The kill switch is on: it loops (skep kill-switch off)."
    assert (answer.json()["reason"], rig.attempt(claim)["swarm"]) == ("it loops", None)
    assert model.requests == []


def test_the_status_says_that_it_is_on_and_not_why(rig):
    assert rig.client.get("/status").json()["kill_switch"] is False
    rig.home.kill_switch.write_text("my own business")
    rig.store.trip_breaker(Trip("failures_in_a_row", "20 tasks in a row failed", 20), 0)

    answer = rig.client.get("/status")

    assert (answer.json()["kill_switch"], answer.json()["circuit_breaker"]) == (True, True)
    assert "my own business" not in answer.text


def test_what_cannot_be_read_stops_as_well(rig):
    rig.home.kill_switch.symlink_to("nowhere")

    answer = rig.cycle(rig.claim(command="echo no"))

    assert answer.status_code == 503
    assert "cannot be read: a symbolic link stands there" in answer.json()["detail"]


def test_a_switch_that_is_set_between_the_question_and_the_start_stops_it_all_the_same(rig, monkeypatch):
    store = rig.swarm.executor._store
    begin = store.start_cycle

    def set_switch_meanwhile(*given):
        rig.home.kill_switch.touch()
        return begin(*given)

    monkeypatch.setattr(store, "start_cycle", set_switch_meanwhile)
    claim = rig.claim(command="echo no")

    body = rig.cycle(claim).json()

    assert (body["status"], body.get("output")) == ("interrupted", None)
    assert body["failure"]["message"] == "the kill switch was set before it began"
    assert body["failure"]["retryable"] is True


def test_a_command_that_had_ended_counts_as_it_ended(rig, monkeypatch):
    claim = rig.claim(command="echo done")
    store = rig.swarm.executor._store
    kept = store.record_outcome

    def set_switch_meanwhile(*given):
        rig.home.kill_switch.touch()
        return kept(*given)

    monkeypatch.setattr(store, "record_outcome", set_switch_meanwhile)

    assert rig.cycle(claim).json()["output"] == "done\n"


def test_once_it_is_cleared_work_goes_on(rig):
    rig.home.kill_switch.touch()
    claim = rig.claim(command="echo at last")
    assert rig.cycle(claim).status_code == 503

    rig.home.kill_switch.unlink()

    assert rig.cycle(claim).json()["output"] == "at last\n"


def test_what_begins_once_it_is_cleared_is_not_stopped_by_a_look_of_before(rig, monkeypatch):
    """The watch had found the switch set for another execution, and came to stop only now."""
    late = rig.claim(command="sleep 1")
    answers: list[Any] = []
    is_set = kill_file.is_set

    def clear_it_meanwhile(path):
        found = is_set(path)
        if found and threading.current_thread().name == "kill-switch" and not answers:
            rig.home.kill_switch.unlink()
            answers.append(rig.in_background(late))
            eventually(lambda: rig.swarm.executor.running.all()[1:], "the second runs too")
        return found

    call = rig.in_background(rig.claim(command="sleep 60"))
    eventually(rig.commands, "the command runs")
    monkeypatch.setattr(kill_file, "is_set", clear_it_meanwhile)
    rig.home.kill_switch.touch()

    assert call.answer().json()["status"] == "interrupted"
    assert answers[0].answer().json()["failure"] is None


def test_a_switch_that_is_cleared_while_the_gate_looks_is_told_as_the_switch_and_not_as_a_cancellation(
    rig, monkeypatch
):
    def examine(_gateway, _task, _work, is_over):
        rig.home.kill_switch.touch()
        eventually(is_over, "it is stopped")
        rig.home.kill_switch.unlink()
        raise GivenUp

    monkeypatch.setattr(SafetyGateway, "examine", examine)
    answer = rig.cycle(rig.claim(command="true")).json()

    assert (answer["status"], answer["failure"]["code"]) == ("interrupted", "kill_switch")
    assert answer["failure"]["retryable"]  # nothing of it had begun


def test_no_plan_is_made(rig, model):
    (rig.home.workspace / "notes.txt").write_text("to do")
    rig.home.kill_switch.touch()

    answer = rig.client.post("/plan", json={})

    assert (answer.status_code, answer.json()["code"]) == (503, "kill_switch_on")
    assert model.requests == []


def test_a_plan_under_way_is_abandoned(rig, model):
    (rig.home.workspace / "notes.txt").write_text("to do")
    model.reply_with(Reply(hold=threading.Event()))
    answers = []
    planning = threading.Thread(target=lambda: answers.append(rig.client.post("/plan", json={})))
    planning.start()
    model.wait_for_requests(1)

    rig.home.kill_switch.touch()
    planning.join(60)

    assert answers[0].json()["code"] == "kill_switch_on"


def test_a_cancellation_before_the_switch_stays_one(rig):
    claim = rig.claim(command="sleep 60")
    call = rig.in_background(claim)
    eventually(rig.commands, "the command runs")
    rig.cancel(claim)

    rig.home.kill_switch.touch()

    assert call.answer().json()["status"] == "cancelled"

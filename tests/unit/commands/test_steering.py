"""`skep cancel`, `retry`, `approve`, `reject`, `pause`, `resume` and `wait`."""

from __future__ import annotations

import json

import pytest

from store.decisions import ask as ask_person
from store.reading import MODEL_STATUS
from store.records import Question


def state(walk, task_id):
    return walk.store.reader.task(task_id)["state"]


def test_several_are_done_each_by_itself_and_one_that_cannot_be_makes_1(walk, run):
    walk.submit({"id": "a"}, {"id": "b"})

    told = run("cancel", "a", "nope", "b", code=1)

    assert (state(walk, "a"), state(walk, "b")) == ("cancelled", "cancelled")
    assert told.stdout == "a is cancelled.\nb is cancelled.\n"
    assert "nope" in told.stderr


def test_what_has_ended_is_not_cancelled_and_told_with_its_name(walk, run):
    walk.approved(id="done")
    walk.submit({"id": "a"})
    run("cancel", "a")

    told = run("cancel", "a", "done", code=1)

    assert "a is cancelled already." in told.stderr
    assert "done is approved already." in told.stderr


def test_tasks_go_sooner_or_later_by_a_number_that_may_be_below_zero(walk, run):
    walk.submit({"id": "a"}, {"id": "b"})
    walk.approved(id="done")

    told = run("priority", "a", "done", "nope", "b", "-7", code=1)

    assert told.stdout == "a has priority -7.\nb has priority -7.\n"
    assert "done is approved; its priority would have no effect" in told.stderr
    assert "nope" in told.stderr
    assert [walk.store.reader.task(task_id)["priority"] for task_id in ("a", "b")] == [-7, -7]
    assert run("priority", "--json", "--", "a", "8").stdout.count("a has priority 8.") == 1


def test_a_priority_out_of_bounds_or_given_twice_is_refused_in_words(walk, run):
    walk.submit({"id": "a"})

    over = run("priority", "a", "1000001", code=1).stderr
    below = run("priority", "a", "-1000001", code=1).stderr
    no_number = run("priority", "a", "high", code=2).stderr

    assert "1,000,001 is over the bound of 1,000,000 (settings: limit_priority)" in over
    assert "-1,000,001 is under the bound of -1,000,000 (settings: limit_priority)" in below
    assert "'high' is not a valid integer" in no_number
    for two in (("-5", "3"), ("-5", "-3"), ("-5", "--", "3")):
        assert "are two numbers, and one is the priority" in run("priority", "a", *two, code=2).stderr
    assert walk.store.reader.task("a")["priority"] == 0


def test_what_was_done_is_told_as_json(walk, run):
    walk.submit({"id": "a"})

    told = json.loads(run("cancel", "a", "nope", "--json", code=1).stdout)["results"]

    assert [(each["id"], each["ok"]) for each in told] == [("a", True), ("nope", False)]
    assert told[1]["error"]["code"] == "not_found"


def test_a_running_task_is_being_stopped(walk, run):
    walk.claim(id="a")

    assert run("cancel", "a", "--reason", "no need").stdout == "a is being stopped.\n"


def test_who_did_it_and_why_stands_in_the_history(walk, run, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    walk.submit({"id": "a"})

    run("pause", "--reason", "lunch")
    run("cancel", "a")

    told = [json.loads(line) for line in run("events", "--json").stdout.splitlines()]
    assert (told[-2]["source"], told[-2]["reason"]) == ("cli:ada", "lunch")
    assert "cli:ada" in told[-1]["reason"]


def test_a_user_without_a_name_goes_by_number(walk, run, monkeypatch):
    def nameless():
        raise OSError("no name")

    monkeypatch.setattr("getpass.getuser", nameless)

    assert json.loads(run("pause", "--json").stdout)["by"].startswith("cli:")


def test_a_failed_task_is_sent_back_and_an_approved_one_is_not(walk, run):
    walk.failed(id="a")
    walk.approved(id="b")

    run("retry", "a", "b", code=1)

    assert (state(walk, "a"), state(walk, "b")) == ("ready", "approved")


def test_all_that_failed_is_sent_back_and_what_a_person_cancelled_is_not(walk, run):
    walk.failed(id="a")
    walk.failed(id="b")
    walk.submit({"id": "c"})
    walk.store.cancel("c", "me")

    run("retry", "--all-failed")

    assert [state(walk, name) for name in "abc"] == ["ready", "ready", "cancelled"]
    assert run("retry", "--all-failed").stdout == "No task has failed.\n"


@pytest.mark.parametrize("arguments", [[], ["a", "--all-failed"]])
def test_retry_needs_ids_or_all(store, run, arguments):
    run("retry", *arguments, code=2)


def test_a_result_is_approved_or_rejected_by_the_task_or_the_decision(walk, run, ask):
    walk.held(id="a")
    walk.held(id="b", prompt="x")
    decision = ask("show", "b")["decision"]["id"]

    assert run("approve", "a", "--comment", "good").stdout == "a is approved.\n"
    assert "tried again" in run("reject", decision, "--reason", "too short").stdout
    assert walk.store.reader.task("b")["feedback"] == '["too short"]'
    assert "does not wait for a decision" in run("approve", "a", code=1).stderr


def test_a_result_that_is_rejected_for_good_is_not_tried_again(walk, run):
    walk.held(id="a", prompt="x")

    assert run("reject", "a", "--reason", "not wanted", "--final").stdout == "a is rejected: it failed.\n"
    assert state(walk, "a") == "failed"


def test_a_command_that_waits_for_leave_runs_or_fails(walk, run):
    for name in "ab":
        walk.waits_for_leave(("/usr/bin/echo", "hello"), id=name, profile="agent", prompt="hello")

    assert run("approve", "a").stdout == "a runs.\n"
    assert run("reject", "b", "--reason", "no").stdout == "b does not run: it failed.\n"
    assert (state(walk, "a"), state(walk, "b")) == ("ready", "failed")


@pytest.mark.parametrize("arguments", [["a"], ["a", "--reason", "  "]])
def test_a_rejection_needs_a_reason(walk, run, arguments):
    walk.held(id="a")

    run("reject", *arguments, code=2)
    assert state(walk, "a") == "review"


def test_any_answer_that_a_question_offers_is_given_by_its_word(walk, run):
    walk.held(id="a", prompt="x")

    assert "choose one of approve, reject" in run("approve", "a", "--answer", "perhaps", code=2).stderr
    assert run("approve", "a", "--answer", "fail", "--comment", "no").stdout == "a is rejected: it failed.\n"
    assert "does not wait for a decision" in run("approve", "a", "--answer", "fail", code=1).stderr


def test_an_interrupted_task_runs_again_by_retry(walk, run):
    claim = walk.claim(id="a")

    def interrupt(tx):
        row = tx.one("get_task", id=claim.id)
        tx.run("to_review", seq=row["seq"], result=None)
        ask_person(tx, Question("interrupted", "Again?", ("again", "done", "failed"), {}), row)

    walk.store.write(interrupt)

    assert "runs again" in run("retry", "a").stdout
    assert state(walk, "a") == "ready"


def test_a_pause_is_lifted_once(store, run):
    run("pause")
    assert store.reader.gate().paused
    assert run("resume").stdout == "Work goes on.\n"
    assert run("resume").stdout == "It was not paused.\n"


# -- wait --------------------------------------------------------------------------------------------------


def test_status_says_why_the_home_is_paused_and_why_its_log_is_behind(store, run, ask):
    store.pause("ann", "lunch")
    store.set_log_blocked("execution_log.jsonl cannot be written: no rights")

    assert "paused   by ann: lunch\n" in run("status").stdout
    assert "log      execution_log.jsonl cannot be written: no rights\n" in run("status").stdout
    assert ask("status")["log"]["blocked"]["reason"].endswith("no rights")


def test_waiting_for_what_has_ended_is_over_at_once(walk, ask, run):
    walk.approved(id="a")
    walk.failed(id="b")

    assert ask("wait", "a") == {"exit_code": 0, "ended": {"a": "approved"}, "left": []}
    run("wait", "a", "b", code=1)
    run("wait")  # nothing is left to wait for
    assert "nope" in run("wait", "nope", code=1).stderr


def test_the_time_runs_out_as_124(walk, run):
    walk.submit({"id": "a"})

    told = run("wait", "a", "--timeout", "0.1", code=124)

    assert "the time ran out" in told.stderr
    assert "No daemon runs" in told.stderr


def test_a_schedule_is_not_waited_for(walk, run):
    walk.submit({"id": "a", "every": "0 9 * * mon"})

    run("wait")


def no_model(walk):
    walk.store.set_fact(MODEL_STATUS, {"ready": False, "reason": "no model configured"}, "daemon.model")


@pytest.mark.parametrize(
    "waits",
    [
        lambda walk: walk.held(id="a"),
        lambda walk: (walk.submit({"id": "a"}), walk.store.pause("me")),
        lambda walk: (walk.submit({"id": "a", "prompt": "x"}), no_model(walk)),
        lambda walk: walk.submit({"id": "a", "depends_on": ["nobody"]}),
        lambda walk: (
            walk.held(id="h"),
            walk.submit({"id": "b", "depends_on": ["h"]}, {"id": "a", "depends_on": ["b"]}),
        ),
    ],
    ids=["a question", "a pause", "no model", "a missing dependency", "a dependency with a question"],
)
def test_what_waits_for_a_person_is_75(walk, run, waits):
    waits(walk)

    run("wait", "a", "--timeout", "5", code=75)


def test_as_long_as_something_goes_on_by_itself_it_is_waited_for(walk, run):
    walk.held(id="asks")
    walk.claim(id="runs")

    run("wait", "--timeout", "0.2", code=124)


def test_a_chain_of_thousands_is_judged_without_recursion(walk, run):
    walk.held(id="n0")
    walk.submit(*({"id": f"n{i}", "depends_on": [f"n{i - 1}"]} for i in range(1, 2_000)))

    run("wait", "n1999", "--timeout", "20", code=75)


def test_a_task_behind_one_that_failed_is_not_taken_back_and_the_way_is_named(walk, run):
    walk.submit({"id": "child", "depends_on": ["root"]})
    walk.failed(id="root")

    told = run("retry", "child", code=1)
    assert (told.stdout, state(walk, "child")) == ("", "failed")
    assert "child would fail again at once: it waits for root, which has ended" in told.stderr
    assert "`skep retry root` brings both back" in told.stderr

    run("retry", "root")
    assert (state(walk, "root"), state(walk, "child")) == ("ready", "blocked")


def test_all_that_failed_comes_back_whichever_was_entered_first(walk, run):
    walk.submit({"id": "child", "depends_on": ["root"]})
    walk.failed(id="root")

    told = run("retry", "--all-failed")

    assert (state(walk, "root"), state(walk, "child"), told.stderr) == ("ready", "blocked", "")

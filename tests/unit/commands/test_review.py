"""`skep review`, its export, and `skep diff`."""

from __future__ import annotations

import json
import random

import pytest

from attempts import AttemptPolicy
from outcome import CriticVerdict, Verdict
from review import critics
from road.judging import Judge
from store import deadlines, decisions, sampling
from store.outputs import OutputSink, read_output
from store.queue_file.apply import Rules, edit_task
from store.records import Intake, Question
from testing.tasks import new_task
from tests.conformance.store_suite import outcome_of
from tool_router import NO_ROUTE


@pytest.fixture
def work(store, home, who):
    """Have a task answer and be judged by the real critics; with `sample`, so many go to a person."""

    def do(text: str, *, sample: int = 0, further=(), claim=None, **task):
        if claim is None:
            store.submit(Intake(new=[new_task(**({"prompt": "x"} | task))]), "test")
            (claim,) = store.claim(who, 1)
        store.start_cycle(claim.ref, "swarm")
        sink = OutputSink(home.outputs, f"{claim.seq}-{claim.ref.lease}", 10_000_000)
        sink.write(text.encode())
        stored = sink.close()
        outcome = outcome_of(claim, output=stored.head, output_ref=stored.ref, model="m")
        store.record_outcome(outcome)
        judge = Judge(
            lambda ref, write: store.write(write),
            lambda ref: read_output(home.outputs, ref),
            home.workspace,
            AttemptPolicy(),
            sample,
        )
        judge.conclude(claim, outcome, NO_ROUTE, random.Random(1), lambda: list(further))

    return do


def says(decision, critic="model"):
    return CriticVerdict(critic=critic, decision=decision, confidence=0.9, issues=["it says so"])


# -- sampling ----------------------------------------------------------------------------------------------


def test_every_third_result_that_critics_approve_is_shown_to_a_person(work, store):
    for number in range(1, 8):
        work("fine", sample=3, id=f"t{number}")
    assert {row["task_id"] for row in store.reader.decisions()} == {"t3", "t6"}
    assert store.approve("t3", "ada") == "t3 is approved."
    assert "one of 3 such results is shown to you" in store.reader.decisions()[0]["question"]


@pytest.mark.parametrize("review", ["none", "critic", "human"])
def test_only_what_leaves_its_review_open_is_drawn(work, store, review):
    work("fine", sample=1, id="t", review=review)
    assert store.reader.task("t")["state"] == ("review" if review == "human" else "approved")


def test_rejected_results_count_for_nothing_in_a_sample(work, store):
    work("bad", sample=2, id="a", expect={"contains": ["good"]})
    work("good", sample=2, id="b")
    assert store.write(lambda tx: tx.meta(sampling.COUNT)) == "1"


def test_without_a_sample_nothing_is_counted(work, store):
    work("good", id="b")
    assert store.write(lambda tx: tx.meta(sampling.COUNT)) is None


# -- agreement ---------------------------------------------------------------------------------------------


def test_what_people_and_critics_said_is_told_for_each_critic(work, store, run, ask):
    work("one", id="a", review="human", further=[says("APPROVE"), says("APPROVE", "command:0")])
    work("two", id="b", review="human", further=[says("APPROVE")])
    work("three", id="c", review="human", further=[says("HELD")])
    work("four", id="d", review="human")
    store.approve("a", "ada")
    store.reject("b", "ada", "no")
    store.approve("c", "ada")
    told = ask("review")
    assert (told["judged_by_people"], [each["task_id"] for each in told["waiting"]]) == (3, ["d"])
    figures = {each["critic"]: each for each in told["agreement"]}
    model = figures["model"]
    assert (model["agreement"], model["too_mild"], model["open_approved"]) == (0.5, 1, 1)
    assert (figures["critics"]["judged"], figures["command"]["agreement"]) == (3, 1.0)
    shown = run("review").stdout
    assert "waits: Is the result of d good?" in shown
    assert "50%" in shown


def test_until_when_a_result_waits_and_what_is_overdue_is_told(walk, store, run, ask):
    store.write(lambda tx: deadlines.apply(tx, 3600.0))
    walk.held(id="a")
    removal = Question("removal", "Cancel them?", ("accept", "keep"), {"ids": []})
    store.write(lambda tx: decisions.ask(tx, removal))

    (waiting,) = ask("review")["waiting"]
    assert (waiting["task_id"], waiting["is_overdue"]) == ("a", False)
    assert ", or its task fails" in run("review").stdout
    assert ", or it is overdue" in run("status").stdout
    assert "answer by" in run("show", store.reader.decisions()[0]["id"]).stdout

    store.write(lambda tx: tx.run("note_overdue", id=store.reader.decisions()[1]["id"]))
    assert [each["is_overdue"] for each in ask("review")["waiting"]] == [True, False]
    assert "overdue since" in run("review").stdout


def test_with_nothing_to_tell_it_says_so(store, run):
    assert run("review").stdout.splitlines() == [
        "No result waits for your judgement.",
        "No result was judged by both critics and a person yet.",
    ]


# -- export ------------------------------------------------------------------------------------------------


def lines(run, *arguments):
    return [json.loads(line) for line in run("review", "export", *arguments).stdout.splitlines()]


def test_judged_results_are_examples_with_ask_answer_and_who_decided(work, store, run, who):
    work("bad", id="a", prompt="say good", expect={"contains": ["good"]})
    (claim,) = store.claim(who, 1)
    work("good", id="a", claim=claim)
    work("so so", id="h", review="human")
    store.reject("h", "ada", "not good enough")
    work("never judged", id="n", review="none")
    found = lines(run)
    assert [(each["task_id"], each["attempt"], each["label"]) for each in found] == [
        ("a", 1, "rejected"),
        ("a", 2, "approved"),
        ("h", 1, "rejected"),
    ]
    assert (found[0]["prompt"], found[0]["output"], found[0]["verdict"]) == ("say good", "bad", "REJECT")
    assert (found[0]["decided_by"], found[2]["decided_by"]) == ("critics", "ada")
    assert found[2]["comment"] == "not good enough"
    assert [each["label"] for each in lines(run, "--label", "approved")] == ["approved"]


def test_an_example_holds_the_words_that_were_answered_and_not_those_of_a_later_edit(work, store, run):
    work("bad", id="a", prompt="the old words", expect={"contains": ["good"]})
    rules = Rules(store.settings.limits, store.limits, lambda *_: None)
    doc = {"id": "a", "prompt": "new words", "expect": {"contains": ["good"]}}
    store.write(lambda tx: edit_task(tx, "a", 1, doc, "test", rules))
    assert [each["prompt"] for each in lines(run)] == ["the old words"]


def test_secrets_are_taken_out_of_an_export(work, run):
    key = "sk-ant-api03-" + "a1B2" * 20
    work(f"the key is {key}", id="a", prompt=f"use {key}")
    assert key not in run("review", "export").stdout


def test_an_export_goes_into_a_file_whole_or_not_at_all(work, run, ask, tmp_path):
    work("good", id="a")
    out = tmp_path / "set.jsonl"
    assert ask("review", "export", "--out", str(out)) == {"file": str(out), "examples": 1}
    assert json.loads(out.read_text())["task_id"] == "a"
    assert "No such file" in run("review", "export", "--out", str(tmp_path / "no" / "x"), code=3).stderr
    assert run("review", "--out", str(out), code=2)


# -- diff --------------------------------------------------------------------------------------------------


@pytest.fixture
def two_attempts(work, store, who):
    work("same\nold words\nend", id="a", expect={"contains": ["new"]})
    (claim,) = store.claim(who, 1)
    work("same\nnew words\nend\nmore", id="a", claim=claim)


def test_two_attempts_stand_side_by_side(two_attempts, run):
    shown = run("diff", "a").stdout.splitlines()
    assert shown[:3] == [
        "attempt 1: rejected",
        "  found: the answer does not contain 'new'",
        "attempt 2: approved",
    ]
    marks = [line.split() for line in shown[3:]]
    assert marks == [["same", "same"], ["old", "words", "|", "new", "words"], ["end", "end"], [">", "more"]]


def test_a_unified_diff_and_json_tell_the_same(two_attempts, run, ask):
    assert "-old words\n+new words\n" in run("diff", "a", "--unified", "--attempts", "1", "2").stdout
    told = ask("diff", "a")
    assert (told["old"]["attempt"], told["new"]["output"]) == (1, "same\nnew words\nend\nmore")
    assert "-old words" in told["diff"]


def test_escapes_of_an_answer_reach_no_terminal(work, store, run, who):
    work("\x1b[31mred", id="a", expect={"contains": ["new"]})
    (claim,) = store.claim(who, 1)
    work("\x1b]0;title\x07new", id="a", claim=claim)
    assert "\x1b" not in run("diff", "a").stdout + run("diff", "a", "--unified").stdout


def test_one_attempt_or_none_is_told(work, store, run):
    work("x", id="a")
    assert "two are needed" in run("diff", "a", code=1).stderr
    assert "no attempt 7" in run("diff", "a", "--attempts", "1", "7", code=1).stderr
    assert "There is no task" in run("diff", "b", code=1).stderr


# -- verdicts together -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decisions", "together"),
    [
        (["APPROVE"], "APPROVE"),
        (["APPROVE", "HELD"], "HELD"),
        (["APPROVE", "REJECT"], "REJECT"),
        (["HELD", "REJECT"], "REJECT"),
    ],
)
def test_verdicts_together_are_as_good_as_the_worst(decisions, together):
    first = Verdict(decision="APPROVE", confidence=0.95)
    verdict = critics.together(first, [says(each) for each in decisions])
    assert (verdict.decision, verdict.confidence) == (together, 0.9)


def test_what_waits_is_given_a_deadline_and_has_it_lifted(run, ask, walk):
    walk.held(id="a", prompt="Write.")

    assert "; without one its task fails." in run("deadline", "a", "--until", "4h").stdout
    (waiting,) = ask("review")["waiting"]
    assert waiting["deadline_at"] is not None
    assert "answer by " in run("review").stdout
    assert "answer by " in run("show", "a").stdout
    run("deadline", "a", "--until", "none")
    assert ask("review")["waiting"][0]["deadline_at"] is None
    assert "is neither a span such as" in run("deadline", "a", "--until", "soon", code=2).output

"""Rounds of a run of the daemon: the end of one and the beginning of the next are one step."""

from __future__ import annotations

import re
from typing import Any

import pytest

from outcome import Outcome, Verdict
from run_contract.errors import InvalidInput, TaskNotFound
from runs import views
from runs.entering import forked
from runs.originals import original_of
from runs.request import read_fork
from store import recording, run_growth, run_steering, runs
from store.records import Question
from testing.durable_runs import DurableRuns

UNTIL = {"of": "{{output}}", "test": "at_least", "value": 90}


@pytest.fixture
def rig(store, who, home) -> DurableRuns:
    made = DurableRuns(store, who, lambda name: f"ok:{name}")
    made.read_outputs(home.outputs)
    return made


def scoring(*scores: int):
    left = list(scores)
    return lambda name: f"score: {left.pop(0)}" if name.startswith("v") else f"draft {name}"


def reviewed(**more: Any) -> list[dict[str, Any]]:
    rounds = {"first": "d", "until": UNTIL, "most": 3} | more
    return [
        {"id": "d", "prompt": "write; last time: {{previous}}"},
        {"id": "v", "prompt": "check {{deps.d.output}}", "deps": ["d"], "repeat": rounds},
        {"id": "e", "prompt": "publish {{deps.d.output}}", "deps": ["d", "v"]},
    ]


def ends(run: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {name: (one["state"], (one.get("error") or {}).get("code")) for name, one in run["tasks"].items()}


def test_a_part_of_the_graph_is_done_again_until_its_answer_will_do(rig) -> None:
    rig.work = scoring(10, 50, 95)
    run = rig.start(tasks=reviewed())
    told = rig.go(run)

    assert told["state"] == "completed"
    assert rig.begun == ["d", "v", "d.r2", "v.r2", "d.r3", "v.r3", "e"]
    assert told["tasks"]["v"]["output"] == told["tasks"]["v.r3"]["output"] == "score: 95"
    assert (told["tasks"]["v.r3"]["parent"], told["tasks"]["v.r3"]["round"]) == ("v", 3)
    assert rig.sent["d"].endswith("last time: ")
    assert "score: 50" in rig.sent["d.r3"]
    assert "draft d.r3" in rig.sent["v.r3"]
    assert "draft d.r3" in rig.sent["e"]
    rounds = [row for row in rig.store.reader.events() if row["event"] == "task.repeated"]
    assert [row["task_id"] for row in rounds] == [f"{run}:v", f"{run}:v.r2"]


def beside_the_rounds(**more: Any) -> list[dict[str, Any]]:
    """A task that depends on the draft alone, whose rounds it is no part of."""
    return [*reviewed(**more)[:2], {"id": "u", "prompt": "use {{deps.d.output}}", "deps": ["d"]}]


def test_who_depends_on_a_part_of_rounds_waits_for_their_end_and_is_told_the_last(rig) -> None:
    rig.work = scoring(10, 95)
    told = rig.go(rig.start(tasks=beside_the_rounds()))

    assert (told["state"], rig.begun[-1]) == ("completed", "u")
    assert rig.sent["u"] == "use draft d.r2" or "draft d.r2" in rig.sent["u"]
    assert "score" not in rig.sent["u"]
    assert told["tasks"]["u"]["deps"] == ["d"]


def add_once_begun(rig: DurableRuns, run: str, *tasks: dict[str, Any], after: str = "v") -> None:
    while after not in rig.begun:
        rig.turn()
    rig.add(run, *tasks)


ADDED = {"id": "u", "prompt": "use {{deps.d.output}}", "deps": ["d"]}


@pytest.mark.parametrize("after", ["d", "v", "d.r2"])
def test_a_task_added_while_rounds_go_on_waits_for_their_end_and_is_told_the_last(rig, after: str) -> None:
    rig.work = scoring(10, 50, 95)
    run = rig.start(tasks=reviewed()[:2])
    late = {"id": "w", "prompt": "then {{deps.u.output}}", "deps": ["u"]}
    add_once_begun(rig, run, ADDED, late, after=after)
    told = rig.go(run)

    assert (told["state"], rig.begun[-3:]) == ("completed", ["v.r3", "u", "w"])
    assert "draft d.r3" in rig.sent["u"]
    assert told["tasks"]["u"]["deps"] == ["d"]


def test_a_task_added_to_rounds_that_end_badly_or_have_ended_is_told_the_last_there_is(rig) -> None:
    rig.work = scoring(10, 20)
    run = rig.start(policy={"on_failure": "continue"}, open=True, tasks=reviewed(most=2)[:2])
    add_once_begun(rig, run, ADDED)
    rig.go(run)
    rig.add(run, ADDED | {"id": "x"})
    told = rig.go(run)

    assert [told["tasks"][name]["state"] for name in "vux"] == ["failed", "completed", "completed"]
    assert "draft d.r2" in rig.sent["u"]
    assert "draft d.r2" in rig.sent["x"]


def test_a_task_that_an_answer_in_the_midst_of_rounds_asks_for_waits_for_their_end(rig) -> None:
    score = scoring(10, 95)
    asks = '```skep-tasks\n{"tasks": [{"id": "u", "prompt": "use {{deps.d.output}}", "deps": ["d"]}]}\n```'
    rig.work = lambda name: f"draft {name}\n{asks}" if name == "d" else score(name)
    d, v, _ = reviewed()
    told = rig.go(rig.start(tasks=[d | {"may_add": True}, v]))

    assert (told["state"], rig.begun) == ("completed", ["d", "v", "d.r2", "v.r2", "u"])
    assert "draft d.r2" in rig.sent["u"]


def test_of_rounds_that_end_badly_or_never_begin_only_the_end_is_waited_for(rig) -> None:
    rig.work = scoring(10, 20)
    run = rig.start(policy={"on_failure": "continue"}, tasks=beside_the_rounds(most=2))
    told = rig.go(run)
    assert (ends(told)["v"][0], ends(told)["u"][0]) == ("failed", "completed")
    assert "draft d.r2" in rig.sent["u"]

    rig.work = scoring(95)  # what failed goes on, and what did not is not done again
    rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
    assert rig.go(run)["state"] == "completed"
    assert rig.begun.count("u") == 1

    tasks = beside_the_rounds()
    tasks[1]["when"] = {"of": "1", "test": "equals", "value": "2"}
    told = rig.go(rig.start(tasks=tasks))
    assert (ends(told)["v"][0], ends(told)["u"][0]) == ("skipped", "completed")


def test_who_failed_beside_failed_rounds_is_sent_back_alone(rig) -> None:
    def work(name: str) -> str:
        if name == "u" and rig.begun.count("u") == 1:
            raise ValueError("it broke")
        return "score: 1"

    rig.work = work
    run = rig.start(policy={"on_failure": "continue"}, tasks=beside_the_rounds(most=2))
    assert ends(rig.go(run))["u"] == ("failed", "execution_failed")
    rig.store.retry(f"{run}:u", "test")
    assert ends(rig.go(run))["u"] == ("completed", None)


def test_an_answer_that_will_do_at_once_is_taken(rig) -> None:
    rig.work = scoring(99)
    assert rig.go(rig.start(tasks=reviewed()))["state"] == "completed"
    assert rig.begun == ["d", "v", "e"]


@pytest.mark.parametrize(("otherwise", "state"), [("fail", "failed"), ("take", "completed")])
def test_when_the_rounds_are_used_up_it_fails_or_takes_the_last(rig, otherwise: str, state: str) -> None:
    rig.work = scoring(1, 2)
    told = rig.go(rig.start(tasks=reviewed(most=2, otherwise=otherwise)))

    assert told["state"] == state
    if otherwise == "fail":
        assert ends(told)["v.r2"] == ("failed", "not_reached")
        assert told["tasks"]["v.r2"]["error"]["message"].endswith("after 2 rounds")
        assert ends(told)["v"] == ("failed", "not_reached")
        assert told["error"]["code"] == "not_reached"
        assert "after 2 rounds" in told["error"]["message"]
        assert told["error"]["message"].startswith("task v: ")
        assert ends(told)["e"] == ("skipped", "dependency_failed")


def test_the_cause_of_used_up_rounds_is_told_once(rig) -> None:
    rig.work = scoring(1, 2, 3, 4)
    told = rig.go(rig.start(policy={"on_failure": "continue"}, tasks=reviewed(most=4)))
    last = "its answer is not at least 90 after 4 rounds"
    assert told["tasks"]["v.r4"]["error"]["message"] == last
    for name in ("v", "v.r2", "v.r3"):
        assert told["tasks"][name]["error"]["message"] == f"{last} (v.r4, in its rounds)"
        assert told["tasks"][name]["attempts"] == 1
    assert told["error"]["message"] in {f"task v: {last} (v.r4, in its rounds)", f"task v.r4: {last}"}


def test_a_task_whose_round_was_stopped_was_begun(rig) -> None:
    rig.work = scoring(1, 2)
    run = rig.start(tasks=reviewed())
    while "d.r2" not in rig.begun:
        rig.turn()
        rig.claim()
    rig.abort(run)
    told = rig.go(run)
    assert ends(told)["v"] == ("failed", "cancelled")
    assert ends(told)["v.r2"] == ("skipped", "cancelled")
    assert told["tasks"]["v"]["attempts"] == 1


def test_a_task_that_is_cancelled_while_its_round_goes_on_was_begun(rig) -> None:
    rig.work = scoring(1, 95)
    run = rig.start(policy={"on_failure": "continue"}, tasks=reviewed())
    while "d.r2" not in rig.begun:
        rig.turn()
        rig.claim()
    rig.store.cancel(f"{run}:v", "ann")
    assert ends(rig.go(run))["v"] == ("failed", "cancelled")


@pytest.mark.parametrize("way", ["resume", "retry", "the task itself"])
def test_what_failed_by_its_rounds_goes_on_with_the_last_of_them(rig, way: str) -> None:
    rig.work = scoring(1, 2, 95)
    run = rig.start(tasks=reviewed(most=2))
    assert {one for one in ends(rig.go(run)).values() if one[0] == "failed"} == {("failed", "not_reached")}
    if way == "resume":
        rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
    else:
        rig.store.retry(f"{run}:v.r2" if way == "retry" else f"{run}:v", "test")
    told = rig.go(run)

    assert rig.begun[:5] == ["d", "v", "d.r2", "v.r2", "v.r2"]
    assert (told["tasks"]["v"]["state"], told["tasks"]["v"]["output"]) == ("completed", "score: 95")


@pytest.mark.parametrize("needs", ["all", "any"])
def test_a_task_whose_later_round_breaks_fails_as_that_did(rig, needs: str) -> None:
    def work(name: str) -> str:
        if name == "d.r2":
            raise ValueError("it broke")
        return "score: 1"

    rig.work = work
    tasks = reviewed()
    tasks[1]["needs"] = needs
    told = rig.go(rig.start(policy={"on_failure": "continue"}, tasks=tasks))

    assert ends(told)["v"] == ("failed", "execution_failed")
    assert ends(told)["v.r2"] == ("skipped", "dependency_failed")
    assert "it broke (d.r2, in its rounds)" in told["tasks"]["v"]["error"]["message"]


def test_rounds_go_on_beside_a_task_that_waits_for_an_item_of_a_list(rig) -> None:
    tasks = [{"id": "l", "prompt": "{{item}}", "for_each": ["one", "two"], "priority": 1}, *reviewed()]
    run = rig.start(open=True, tasks=tasks)
    while "l.1" not in rig.begun:
        rig.turn()
    rig.add(run, {"id": "q", "prompt": "on {{deps.l.1.output}}", "deps": ["l.1"]})
    rig.work = scoring(10, 95)
    told = rig.go(run)
    assert ends(told)["v"] == ("completed", None)
    assert "d.r2" in rig.begun


@pytest.mark.parametrize("after", ["v.r2", "v.r3"])
def test_who_depends_on_one_round_by_its_id_is_told_that_round_as_the_run_shows_it(rig, after: str) -> None:
    rig.work = scoring(10, 50, 95)
    run = rig.start(open=True, tasks=reviewed()[:2])
    wanted = {"id": "q", "prompt": "on {{deps.d.r2.output}}", "deps": ["d.r2"]}
    add_once_begun(rig, run, wanted, ADDED, after=after)
    told = rig.go(run)
    shown = told["tasks"]["d.r2"]
    assert (shown["output"], "answer_of" in shown) == ("draft d.r2", False)
    assert "draft d.r2" in rig.sent["q"]
    assert "draft d.r3" not in rig.sent["q"]
    assert (told["tasks"]["d"]["answer_of"], "draft d.r3" in rig.sent["u"]) == ("d.r3", True)


def test_who_depends_on_an_item_of_a_list_in_rounds_is_told_that_item_as_the_run_shows_it(rig, home) -> None:
    rig.read_outputs(home.outputs)
    score = scoring(10, 95)
    rig.work = lambda name: f"item {name}" if name.startswith("l") else score(name)
    tasks = [{"id": "l", "prompt": "{{item}}", "for_each": ["one"]}, reviewed()[1]]
    tasks[1] = tasks[1] | {"prompt": "judge", "deps": ["l"], "repeat": tasks[1]["repeat"] | {"first": "l"}}
    run = rig.start(open=True, tasks=tasks)
    while "v" not in rig.begun:
        rig.turn()
    for number, name in enumerate(["l.1", "l"]):
        rig.add(run, {"id": f"q{number}", "prompt": f"on {{{{deps.{name}.output}}}}", "deps": [name]})
    told = rig.go(run)["tasks"]
    assert (told["l.1"]["output"], "answer_of" in told["l.1"]) == ("item l.1", False)
    assert "item l.1" in rig.sent["q0"]
    assert told["l"]["answer_of"] == "l.r2"
    assert "item l.r2.1" in rig.sent["q1"]


def test_a_command_is_repeated_by_itself(rig) -> None:
    answers = iter(["no", "nearly", "done"])
    rig.work = lambda name: next(answers)
    until = {"of": "{{output}}", "test": "contains", "value": "done"}
    run = rig.start(tasks=[{"id": "a", "argv": ["poll"], "repeat": {"until": until, "most": 5}}])
    told = rig.go(run)

    assert (told["state"], told["tasks"]["a"]["output"]) == ("completed", "done")
    assert rig.begun == ["a", "a.r2", "a.r3"]


def test_an_end_that_cannot_be_told_fails_the_task(rig) -> None:
    rig.work = lambda name: "no figure at all"
    assert ends(rig.go(rig.start(tasks=reviewed())))["v"] == ("failed", "invalid_result")


def test_rounds_are_held_to_the_tasks_a_run_may_have(rig) -> None:
    rig.work = scoring(1)
    told = rig.go(rig.start(policy={"max_tasks": 4}, tasks=reviewed()))
    assert (told["state"], ends(told)["v"]) == ("failed", ("failed", "invalid_result"))
    assert "max_tasks" in told["tasks"]["v"]["error"]["message"]


def test_what_was_repeated_is_resumed_where_it_failed(rig) -> None:
    left = [10, 95]

    def work(name: str) -> str:
        if name == "d.r2" and len(rig.begun) < 4:
            raise ValueError("it broke")
        return f"score: {left.pop(0)}" if name.startswith("v") else f"draft {name}"

    rig.work = work
    run = rig.start(tasks=reviewed())
    assert rig.go(run)["state"] == "failed"
    rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
    told = rig.go(run)
    assert told["state"] == "completed"
    assert rig.begun == ["d", "v", "d.r2", "d.r2", "v.r2", "e"]


def test_a_person_approves_days_later_and_the_round_begins_then(rig) -> None:
    rig.work = scoring(10, 95)
    run = rig.start(tasks=reviewed())
    rig.turn()
    rig.claim()
    claim = rig.flying[0]
    outcome = Outcome(
        status="completed", task_id=claim.id, lease=claim.ref.lease, mode="llm", result="score: 10",
        output="score: 10", started_at=1.0, ended_at=2.0,
    )  # fmt: skip
    growth = rig.prompts.growth_of(claim, outcome)

    def hold(tx):
        run_growth.note(tx, claim.seq, claim.ref, growth)
        row = recording.begin_review(tx, claim.ref, outcome, Verdict(decision="HELD", confidence=0.5), {})
        assert row is not None
        recording.hold(tx, row, Question("review", "Good?", ("approve", "reject"), {}))

    rig.store.write(hold)
    rig.flying.clear()
    assert "d.r2" not in rig.shown(run)["tasks"]
    rig.store.approve(f"{run}:v", "ann")
    assert rig.shown(run)["tasks"]["d.r2"]["state"] == "ready"
    rig.work = scoring(95)
    assert rig.go(run)["state"] == "completed"


def test_a_fork_does_its_rounds_anew(rig) -> None:
    rig.work = scoring(10, 95)
    first = rig.start(tasks=reviewed())
    rig.go(first)
    row = rig.store.reader.one("get_run", id=first)
    docs = views.asked(rig.store.reader, row)
    assert [doc["id"] for doc in docs] == ["d", "e", "v"]
    made = forked(original_of(rig.store.reader, row), read_fork({"task": "d", "id": "again"}), rig.house)
    rig.store.write(lambda tx: runs.start(tx, made, "test", rig.store.limits))
    rig.work = scoring(10, 95)
    assert rig.go("again")["state"] == "completed"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("v.r2", "rounds are forked from their first step; fork from d"),
        ("d.r2", "rounds are forked from their first step; fork from d"),
        ("m.1", "it is an item of m; fork from m"),
        ("d.r2.1", "rounds are forked from their first step; fork from d"),
        ("e.r2.1", "has no task 'e.r2.1'."),
        ("e.r2", "has no task 'e.r2'."),
        ("nobody", "has no task 'nobody'."),
    ],
)
def test_who_forks_from_a_round_is_told_where_that_is_done(rig, name: str, told: str) -> None:
    rig.work = scoring(10, 95)
    run = rig.start(tasks=[*reviewed(), {"id": "m", "prompt": "{{item}}", "for_each": ["x"]}])
    rig.go(run)
    row = rig.store.reader.one("get_run", id=run)
    with pytest.raises(TaskNotFound, match=re.escape(told)):
        forked(original_of(rig.store.reader, row), read_fork({"task": name}), rig.house)


@pytest.mark.parametrize(
    ("test", "value", "told"),
    [
        ("contains", "zzz", "its answer does not contain zzz after 1 round"),
        ("not_contains", "score", "its answer contains score after 1 round"),
        ("equals", "zzz", "its answer is not zzz after 1 round"),
        ("not_equals", "score: 1", "its answer is score: 1 after 1 round"),
        ("at_least", 2, "its answer is not at least 2 after 1 round"),
        ("at_most", 0, "its answer is not at most 0 after 1 round"),
    ],
)
def test_why_rounds_were_not_enough_is_a_sentence_for_each_test(
    rig, test: str, value: Any, told: str
) -> None:
    rig.work = lambda name: "score: 1"
    until = {"of": "{{output}}", "test": test, "value": value}
    run = rig.go(rig.start(tasks=[{"id": "a", "prompt": "x", "repeat": {"until": until, "most": 1}}]))

    assert run["tasks"]["a"]["error"] == {"code": "not_reached", "message": told}


@pytest.mark.parametrize(
    ("tasks", "path"),
    [
        (reviewed(first="e"), "tasks[1].repeat.first"),
        ([{"id": "a", "prompt": "x", "for_each": ["y"], "repeat": {"until": UNTIL}}], "tasks[0].repeat"),
        ([{"id": "a", "prompt": "{{previous}}"}], "tasks[0].prompt"),
        (
            [{"id": "a", "prompt": "x", "repeat": {"until": UNTIL | {"of": "{{no}}"}}}],
            "tasks[0].repeat.until.of",
        ),
        (
            [
                {"id": "a", "prompt": "x"},
                {"id": "b", "prompt": "x", "deps": ["a"], "repeat": {"until": UNTIL}},
                {"id": "c", "prompt": "x", "deps": ["b"], "repeat": {"until": UNTIL, "first": "a"}},
            ],
            "tasks[2].repeat",
        ),
    ],
)  # fmt: skip
def test_rounds_that_are_none_are_refused_with_their_path(rig, tasks: Any, path: str) -> None:
    with pytest.raises(InvalidInput) as error:
        rig.start(tasks=tasks)
    assert error.value.details["path"] == path

"""Runs in memory that grow: lists, rounds, tasks that are added."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from run_contract import errors
from run_contract.job import Job
from run_contract.records import Condition, Repeat, RunState, RunTask
from run_contract.round_waits import beside
from runs.control import RunControl
from runs.factory import new_run
from runs.prompting import plain_prompt
from testing.runs import (
    HAIKU,
    Scripted,
    answer,
    code,
    rig,
    run_through,
    states,
    task,
    words,
)
from tests.unit.runs.small_runs import echoing, policy

# -- lists ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "items"),
    [
        ('["one", "two", 3]', ["one", "two", "3"]),
        ("- one\n* two\n\n• three\n", ["one", "two", "three"]),
        ("[]", []),
        ("", []),
    ],
)
def test_a_task_is_run_over_a_list_and_puts_the_answers_together(listed, items) -> None:
    script, jobs = echoing({"L": answer(listed)})
    run, made = run_through(
        [task("L"), task("M", "L", prompt="do {{item}} as {{index}}", for_each="{{deps.L.output}}"),
         task("E", "M", prompt="end {{deps.M.output}}")],
        policy(), script,
    )  # fmt: skip

    told = [f"do {item} as {number}" for number, item in enumerate(items, 1)]
    assert run.state is RunState.COMPLETED
    assert list(run.tasks["M"].outputs.outputs.values()) == told  # type: ignore[union-attr]
    assert made.names("task.added") == [f"M.{number}" for number in range(1, len(items) + 1)]
    assert all(jobs[f"M.{number}"].bundle.messages == [] for number in range(1, len(items) + 1))
    assert run.tasks["M"].attempts == 0


def test_a_list_may_stand_in_the_task_itself() -> None:
    script, _ = echoing()
    run, _ = run_through([task("M", prompt="{{item}}", for_each=["a", "b"])], policy(), script)

    assert words(run, "M") == '["a", "b"]'


def test_a_list_that_is_too_long_adds_nothing() -> None:
    run, _ = run_through([task("M", prompt="{{item}}", for_each=["x"] * 5)], policy(max_items=4))

    assert code(run, "M") == "context_build_failed"
    assert "max_items of the policy allows 4" in words(run, "M")
    assert list(run.tasks) == ["M"]


@pytest.mark.parametrize(("needs", "state"), [("all", "skipped"), ("any", "completed")])
def test_an_item_that_fails_fails_the_list_unless_any_will_do(needs, state) -> None:
    def script(job: Job) -> Scripted:
        return Scripted(error=ValueError("no")) if job.task_id == "M.1" else Scripted()

    run, _ = run_through([task("M", prompt="{{item}}", for_each=["a", "b"], needs=needs)], policy(), script)

    assert states(run) == [state, "failed", "completed"]


# -- rounds --------------------------------------------------------------------------------------------------


def scoring(*scores: int):
    """A script whose validator V gives one score after the other, and others echo; and the prompts it saw."""
    left, prompts = list(scores), dict[str, str]()

    def script(job: Job) -> Scripted:
        prompts[job.task_id] = plain_prompt(job)
        if job.task_id.startswith("V"):
            return Scripted(result=answer(f"Of 3 things one is wrong.\nscore: {left.pop(0)}"))
        return Scripted(result=answer(f"draft of {job.task_id}"))

    return script, prompts


def reviewed(**more: Any) -> list[RunTask]:
    """A draft that is written, checked, and written again until the check gives 95."""
    until = Condition("{{output}}", "at_least", "95")
    rounds = Repeat(until, more.pop("most", 3), "D", **more)
    return [
        task("S", prompt="start"),
        task("D", "S", prompt="write; last time: {{previous}}"),
        task("V", "D", prompt="check", repeat=rounds),
        task("E", "V", "D", prompt="publish {{deps.D.output}} {{deps.V.output}}"),
    ]


def test_a_part_of_the_graph_is_done_again_until_its_answer_will_do() -> None:
    script, prompts = scoring(60, 80, 96)
    run, made = run_through(reviewed(), policy(), script)

    assert run.state is RunState.COMPLETED
    assert [name for name, _ in made.executor.began] == ["S", "D", "V", "D.r2", "V.r2", "D.r3", "V.r3", "E"]
    assert prompts["D"].endswith("last time: ")
    assert "score: 60" in prompts["D.r2"]
    assert "score: 80" in prompts["D.r3"]
    assert prompts["V.r3"].startswith("draft of D.r3")
    assert prompts["E"] == "publish draft of D.r3 Of 3 things one is wrong.\nscore: 96"
    assert [each.fields["round"] for each in made.events if each.event == "task.repeated"] == [2, 3]
    assert run.usage.micros == 8 * 75 == sum(each.actual.micros for each in run.tasks.values())
    assert {run.tasks[name].parent for name in ("D.r2", "V.r3")} == {"V"}


def test_an_answer_that_will_do_at_once_is_taken() -> None:
    run, made = run_through(reviewed(), policy(), scoring(99)[0])

    assert [name for name, _ in made.executor.began] == ["S", "D", "V", "E"]
    assert run.state is RunState.COMPLETED


@pytest.mark.parametrize(
    ("otherwise", "ends"), [("fail", ["failed", "skipped"]), ("take", ["completed", "completed"])]
)
def test_when_the_rounds_are_used_up_it_fails_or_takes_the_last(otherwise, ends) -> None:
    run, made = run_through(reviewed(most=2, otherwise=otherwise), policy(), scoring(1, 2)[0])

    assert [str(run.tasks[name].state) for name in ("V", "E")] == ends
    if otherwise == "fail":
        assert code(run, "V.r2") == "not_reached"
        assert "after 2 rounds" in words(run, "V.r2")
        assert code(run, "V") == "not_reached"
        assert made.names("task.failed") == ["V.r2", "V"]
        assert run.error is not None
        assert run.error.code == "not_reached"
        assert "after 2 rounds" in run.error.message


def test_what_a_round_says_of_its_own_tasks_means_those_of_the_round() -> None:
    until = Condition("{{deps.D.output}}", "contains", "r3")
    rounds = Repeat(until, 5, "D")
    tasks = [
        task("D", prompt="write"),
        task("V", "D", prompt="check {{deps.D.output}}", repeat=rounds,
             when=Condition("{{deps.D.output}}", "contains", "draft")),
    ]  # fmt: skip
    script, prompts = scoring(*range(9))
    run, made = run_through(tasks, policy(), script)

    assert run.state is RunState.COMPLETED
    assert [name for name, _ in made.executor.began] == ["D", "V", "D.r2", "V.r2", "D.r3", "V.r3"]
    assert prompts["V.r3"] == "check draft of D.r3"


def test_a_task_may_be_repeated_by_itself() -> None:
    until = Condition("{{output}}", "contains", "done")
    left = ["no", "nearly", "done"]
    run, made = run_through(
        [task("A", prompt="[{{previous}}]", repeat=Repeat(until, 5))], policy(),
        lambda job: Scripted(result=answer(f"{plain_prompt(job)} {left.pop(0)}")),
    )  # fmt: skip

    assert words(run, "A") == "[[[] no] nearly] done"
    assert len(made.executor.began) == 3


def test_rounds_whose_end_cannot_be_told_fail_the_task() -> None:
    run, _ = run_through(reviewed(), policy(), lambda job: Scripted(result=answer("no figure at all")))

    assert code(run, "V") == "invalid_result"
    assert "no number to compare" in words(run, "V")


# -- tasks that are added ------------------------------------------------------------------------------------


def test_a_task_may_add_tasks_that_wait_for_it_and_others_for_them() -> None:
    def script(job: Job) -> Scripted:
        more = (task("A2", "A"), task("A3", "A2", "B")) if job.task_id == "A" else ()
        return Scripted(0.1, result=answer(f"ok:{job.task_id}", adds=more))

    run, made = run_through([task("A"), task("B")], policy(), script)

    assert run.state is RunState.COMPLETED
    assert [name for name, _ in made.executor.began] == ["A", "B", "A2", "A3"]
    assert (run.tasks["A3"].parent, run.tasks["A3"].depth) == ("A", 1)
    assert run.usage.micros == 4 * 75


@pytest.mark.parametrize(
    ("added", "changes", "wrong"),
    [
        ([task("A")], {}, "two tasks have the id A"),
        ([task("X", "nobody")], {}, "depends on nobody"),
        ([task("X", "Y"), task("Y", "X")], {}, "circle"),
        ([task("X")], {"max_tasks": 1}, "max_tasks allows 1"),
        ([task("X")], {"max_depth": 0}, "max_depth allows 0"),
        ([RunTask("X")], {}, "must be new and have an input"),
        ([task("../x")], {}, "is no id"),
    ],
)
def test_what_cannot_be_added_fails_who_adds_it_and_changes_nothing(added, changes, wrong) -> None:
    run, _ = run_through(
        [task("A")], policy(**changes), lambda _: Scripted(result=answer("paid", adds=tuple(added)))
    )

    assert code(run, "A") == "invalid_result"
    assert wrong in words(run, "A")
    assert list(run.tasks) == ["A"]
    assert run.usage.micros == 75


def test_others_may_add_tasks_while_a_run_runs_and_not_afterwards() -> None:
    made, control = rig(policy(), lambda _: Scripted(1.0)), RunControl()
    answers: list[Any] = []
    made.executor.at(0.5, lambda: answers.append(control.add([task("B", "A"), task("C")])))
    made.executor.at(0.6, lambda: answers.append(control.add([task("A")])))
    run = made.orchestrator.run(new_run("r", [task("A")], policy()), control)

    assert answers[0].result(0) is None
    assert isinstance(answers[1].exception(0), errors.DagInvalid)
    assert states(run) == ["completed"] * 3
    with pytest.raises(errors.RunCompleted):
        control.add([task("D")]).result(0)


def test_what_is_added_and_needs_a_task_that_failed_is_skipped_at_once() -> None:
    def script(job: Job) -> Scripted:
        return Scripted(1.0) if job.task_id == "B" else Scripted(error=ValueError("no"))

    made, control = rig(policy(), script), RunControl()
    made.executor.at(0.5, lambda: control.add([task("C", "A"), task("D", "C")]))
    run = made.orchestrator.run(new_run("r", [task("A"), task("B")], policy()), control)

    assert states(run) == ["failed", "completed", "skipped", "skipped"]
    assert code(run, "C") == "dependency_failed"


def test_a_subtree_has_a_budget_of_its_own() -> None:
    one = rig(policy()).orchestrator.parts.calculator.worst_case(["x"], HAIKU, 1_024)
    run, _ = run_through(
        [task("M", prompt="{{item}}", for_each=["a", "b", "c"], subtree_micros=2 * one), task("Z")],
        policy(max_parallelism=1),
        lambda _: Scripted(result=answer("x", 10, one)),
    )

    assert [code(run, f"M.{n}") for n in (1, 2, 3)] == ["", "", "budget_exceeded"]
    assert "budget subtree M" in words(run, "M.3")
    assert states(run, ["Z"]) == ["completed"]  # type: ignore[arg-type]


def test_memory_of_a_part_is_seen_in_that_part_alone() -> None:
    script, jobs = echoing(
        {"M.1": answer("x", memory={"k": "of the list"}), "A": answer("x", memory={"k": "all"})}
    )
    run_through(
        [task("A"), task("M", "A", prompt="{{item}}", for_each=["a", "b"]), task("Z", "M")],
        policy(max_parallelism=1), script,
    )  # fmt: skip

    assert jobs["M.2"].bundle.memory == {"k": "of the list"}
    assert jobs["Z"].bundle.memory == {"k": "all"}


# -- beside rounds -------------------------------------------------------------------------------------------


def _drafts(*scores: int):
    left = list(scores)

    def script(job: Job) -> Scripted:
        said = f"score: {left.pop(0)}" if job.task_id.startswith("k") else f"draft {job.task_id}"
        return Scripted(result=answer(plain_prompt(job) if job.task_id == "u" else said))

    return script


def _in_rounds(**more: Any) -> list[RunTask]:
    until = Condition("{{output}}", "at_least", "80")
    return [task("d"), task("k", "d", repeat=Repeat(until, 2, first="d"), **more),
            task("u", "d", prompt="use {{deps.d.output}}")]  # fmt: skip


@pytest.mark.parametrize("last", [95, 20])
def test_who_depends_on_a_part_of_rounds_waits_for_their_end_and_is_told_the_last(last: int) -> None:
    run, made = run_through(_in_rounds(), policy(), _drafts(10, last))

    assert [name for name, _ in made.executor.began] == ["d", "k", "d.r2", "k.r2", "u"]
    assert words(run, "u") == "use draft d.r2"
    assert (states(run, "u"), run.tasks["u"].deps) == (["completed"], ["d"])


@pytest.mark.parametrize("last", [95, 20])
def test_a_task_added_while_rounds_go_on_waits_for_their_end_and_is_told_the_last(last: int) -> None:
    said = _drafts(10, last)

    def script(job: Job) -> Scripted:
        more = [_in_rounds()[2]] if job.task_id == "d" else []
        found = said(job)
        return Scripted(result=replace(found.result, adds=tuple(more))) if more else found

    run, made = run_through(_in_rounds()[:2], policy(on_failure="continue"), script)

    assert [name for name, _ in made.executor.began] == ["d", "k", "d.r2", "k.r2", "u"]
    assert (states(run, "u"), words(run, "u")) == (["completed"], "use draft d.r2")


def test_of_rounds_that_never_begin_nobody_waits_for_more_than_that() -> None:
    run, _ = run_through(_in_rounds(when=Condition("1", "equals", "2")), policy(), _drafts())

    assert (states(run, "ku"), words(run, "u")) == (["skipped", "completed"], "use draft d")


def test_rounds_that_wait_for_each_other_s_parts_do_not_wait_in_a_circle() -> None:
    deps = {"d": [], "k": ["d", "x"], "e": [], "x": ["e"], "u": ["e", "d"], "j": ["u", "x"]}
    assert beside(deps, {"k": "d", "j": "e"}) == {"k": ["j"]}
    assert beside(deps, {"k": "d"}) == {"u": ["k"]}
    assert beside(deps, {"k": "nowhere"}) == {}

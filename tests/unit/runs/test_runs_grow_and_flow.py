"""What flows between tasks and what a run may become: references, lists, conditions, memory, tasks added."""

from __future__ import annotations

from typing import Any

import pytest

from context import template
from run_contract import errors
from run_contract.job import Job
from run_contract.policy import RetryPolicy, RunPolicy
from run_contract.records import Condition, Repeat, RunState, RunTask, TaskInput, TaskResult, Usage
from runs.control import RunControl
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.prompting import enveloped_prompt, plain_prompt
from runs.retrying import wait_s
from runs.work import WorkFailed
from testing.runs import (
    HAIKU,
    Scripted,
    answer,
    code,
    fixed_catalog,
    rig,
    run_through,
    states,
    task,
    words,
)


def policy(**changes: Any) -> RunPolicy:
    return RunPolicy.model_validate({"max_parallelism": 4, "on_failure": "continue"} | changes)


def echoing(results: dict[str, TaskResult] | None = None):
    """A script that answers with the prompt, or what is given for a task; and the jobs it saw."""
    jobs: dict[str, Job] = {}

    def script(job: Job) -> Scripted:
        jobs[job.task_id] = job
        return Scripted(result=(results or {}).get(job.task_id) or answer(plain_prompt(job)))

    return script, jobs


# -- references --------------------------------------------------------------------------------------------


def test_a_prompt_places_answers_named_outputs_inputs_and_memory() -> None:
    own = task("B", "A")
    own.inputs = TaskInput(
        "{{deps.A.output}} {{ deps.A.outputs.title }} {{inputs.k}} {{memory.style}}", {"k": "v"}
    )
    script, jobs = echoing({"A": answer("text", outputs={"title": "T"}, memory={"style": "plain"})})
    run, _ = run_through([task("A"), own], policy(), script)

    assert template.render(jobs["B"].template, jobs["B"].values) == "text T v plain"
    assert jobs["B"].bundle.messages == [], "what the prompt places is not told again"
    assert run.state is RunState.COMPLETED


@pytest.mark.parametrize(
    "reference",
    ["deps.X.output", "deps.B.output", "deps.A.outputs.none", "inputs.none", "memory.none", "item"],
)
def test_a_reference_to_nothing_fails_before_anything_is_sent(reference) -> None:
    script, jobs = echoing()
    run, _ = run_through(
        [task("A"), task("B"), task("C", "A", prompt=f"{{{{{reference}}}}}")], policy(), script
    )

    assert code(run, "C") == "context_build_failed"
    assert reference in words(run, "C")
    assert "C" not in jobs


def test_what_is_filled_in_is_not_read_again() -> None:
    script, _ = echoing({"A": answer("{{memory.secret}}")})
    made = rig(policy(), script)
    run = new_run("r", [task("A"), task("B", "A", prompt="say {{deps.A.output}}")], policy())
    run.memory["secret"] = "hidden"
    made.orchestrator.run(run)

    assert words(run, "B").endswith("say {{memory.secret}}")


def test_a_model_gets_foreign_words_in_envelopes_and_a_person_s_own_as_they_are() -> None:
    script, jobs = echoing({"A": answer("do as I say")})
    own = task("B", "A", "C")
    own.inputs = TaskInput("{{inputs.goal}}: {{deps.A.output}}", {"goal": "Shorten"})
    run_through([task("A"), task("C", prompt="other"), own], policy(), script)

    text = enveloped_prompt(jobs["B"], "0123456789abcdef")

    assert text.count("0123456789abcdef") == 4
    assert "Shorten: " in text
    assert '"do as I say"' in text
    assert '"source": "C"' in text


def test_what_stands_for_nothing_gets_no_envelope() -> None:
    script, jobs = echoing()
    run_through([task("A", prompt="write; last time: {{previous}}")], policy(), script)

    assert enveloped_prompt(jobs["A"], "0123456789abcdef") == "write; last time: "


# -- lists -------------------------------------------------------------------------------------------------


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


# -- conditions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "value", "said", "runs"),
    [
        ("contains", "APPROVED", "it is approved", True), ("not_contains", "no", "yes", True),
        ("equals", "yes", " Yes\n", True), ("not_equals", "yes", "yes", False),
        ("at_least", "95", "95.5 %", True), ("at_least", "95", "94", False), ("at_most", "3", "3", True),
    ],
)  # fmt: skip
def test_a_task_runs_under_its_condition_only(test, value, said, runs) -> None:
    run, _ = run_through(
        [task("A"), task("B", "A", when=Condition("{{deps.A.output}}", test, value)), task("C", "B")],
        policy(),
        lambda job: Scripted(result=answer(said)),
    )

    assert run.state is RunState.COMPLETED, "a condition that is not met is no failure"
    assert states(run) == (["completed"] * 3 if runs else ["completed", "skipped", "skipped"])
    if not runs:
        assert [code(run, name) for name in "BC"] == ["condition_not_met", "dependency_skipped"]


def test_what_is_no_number_cannot_be_compared() -> None:
    run, _ = run_through(
        [task("A"), task("B", "A", when=Condition("{{deps.A.output}}", "at_least", "1"))], policy()
    )

    assert code(run, "B") == "context_build_failed"
    assert "no number to compare in 'ok:A'" in words(run, "B")


def test_two_branches_come_together_where_any_will_do() -> None:
    yes = Condition("{{deps.A.output}}", "contains", "ok")
    no = Condition("{{deps.A.output}}", "not_contains", "ok")
    run, _ = run_through(
        [task("A"), task("B", "A", when=yes), task("C", "A", when=no),
         task("D", "B", "C", needs="any", prompt="[{{deps.B.output}}{{deps.C.output}}]")],
        policy(), echoing({"A": answer("ok"), "B": answer("b")})[0],
    )  # fmt: skip

    assert words(run, "D") == "[b]"


# -- rounds ------------------------------------------------------------------------------------------------


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
    ("otherwise", "ends"), [("fail", ["skipped", "skipped"]), ("take", ["completed", "completed"])]
)
def test_when_the_rounds_are_used_up_it_fails_or_takes_the_last(otherwise, ends) -> None:
    run, _ = run_through(reviewed(most=2, otherwise=otherwise), policy(), scoring(1, 2)[0])

    assert [str(run.tasks[name].state) for name in ("V", "E")] == ends
    if otherwise == "fail":
        assert code(run, "V.r2") == "not_reached"
        assert "after 2 rounds" in words(run, "V.r2")


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


# -- tasks that are added ----------------------------------------------------------------------------------


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


# -- tries -------------------------------------------------------------------------------------------------


def failing(times: int, **known: Any):
    """A script whose attempts fail so many times."""

    def script(job: Job) -> Scripted:
        error = WorkFailed("busy", **known) if job.attempt <= times else None
        return Scripted(0.1, error=error)

    return script


def test_an_attempt_that_may_go_better_is_made_again_after_a_wait() -> None:
    retry = {"max_attempts": 3, "base_ms": 1_000, "factor": 2, "jitter": 0}
    run, made = run_through([task("A")], policy(retry=retry), failing(2, retryable=True))

    assert (run.state, run.tasks["A"].attempts) == (RunState.COMPLETED, 3)
    assert [each.fields["wait_s"] for each in made.events if each.event == "task.retried"] == [1.0, 2.0]
    assert made.clock.monotonic() - 1000.0 == pytest.approx(3.3)


def test_an_attempt_that_would_fail_again_is_the_last() -> None:
    run, _ = run_through([task("A")], policy(retry={"max_attempts": 3}), failing(1))

    assert (code(run, "A"), run.tasks["A"].attempts) == ("execution_failed", 1)


@pytest.mark.parametrize(
    ("retry_on", "attempts"), [(["timeout"], 2), (["transient"], 1), (["any"], 2), ([], 1)]
)
def test_the_policy_says_what_is_worth_another_attempt(retry_on, attempts) -> None:
    given = policy(timeout_ms=10, retry={"max_attempts": 2, "base_ms": 1, "retry_on": retry_on})
    run, _ = run_through([task("A")], given, lambda _: Scripted(1.0))

    assert (code(run, "A"), run.tasks["A"].attempts) == ("timeout", attempts)


def test_waits_are_drawn_alike_for_the_same_run_and_stay_within_the_policy() -> None:
    given = RetryPolicy(base_ms=1_000, factor=2, max_ms=3_000, jitter=0.5)
    waits = [wait_s(given, "r", f"t{n}", tries) for n in range(50) for tries in (1, 2, 3)]

    assert waits == [wait_s(given, "r", f"t{n}", tries) for n in range(50) for tries in (1, 2, 3)]
    assert all(0.5 <= each <= 3.0 for each in waits)
    assert len(set(waits)) > 100


def test_attempts_run_out_and_the_next_model_is_asked() -> None:
    given = policy(
        retry={"max_attempts": 2, "base_ms": 1},
        fallbacks={"fast": ["claude-sonnet-4-5-20250929", "claude-opus-4-5-20251101"]},
    )
    run, made = run_through([task("A", model="", role="fast")], given, failing(4, retryable=True))

    assert run.state is RunState.COMPLETED
    assert [model for _, model in made.executor.began] == [
        *[HAIKU] * 2, *["claude-sonnet-4-5-20250929"] * 2, "claude-opus-4-5-20251101",
    ]  # fmt: skip


def test_when_nobody_can_the_error_says_after_how_many() -> None:
    run, _ = run_through(
        [task("A")],
        policy(retry={"max_attempts": 2, "base_ms": 1}),
        failing(9, retryable=True, code="model_busy"),
    )

    assert code(run, "A") == "model_busy"
    assert "(after 2 attempts)" in words(run, "A")


# -- money and people --------------------------------------------------------------------------------------


def test_spending_is_warned_of_at_half_at_four_fifths_and_at_the_end() -> None:
    _, made = run_through(
        [task(f"{n}") for n in range(10)],
        policy(max_parallelism=1, budget_limit={"amount": 0.01}),
        lambda _: Scripted(result=answer("x", 10, 850)),
    )

    warned = [each.fields["percent"] for each in made.events if each.event == "budget.warning"]
    assert warned == [50, 80]


def test_a_person_may_top_up_instead_of_a_failure() -> None:
    asked: list[tuple[str, int]] = []

    def top_up(run, own, budget, needs) -> int:
        asked.append((own.id, needs))
        return 10_000

    run, made = run_through(
        [task("A"), task("B", "A")], policy(budget_limit={"amount": 0.0001}), top_up=top_up
    )

    assert run.state is RunState.COMPLETED
    assert [name for name, _ in asked] == ["A"]
    assert made.names("budget.topped_up") == [""]


def test_a_no_is_asked_for_once() -> None:
    asked: list[str] = []

    def top_up(run, own, budget, needs) -> int:
        asked.append(own.id)
        return 0

    run, _ = run_through(
        [task("A"), task("B")],
        policy(budget_limit={"amount": 0.0001}),
        top_up=top_up,
    )

    assert asked == ["A"]
    assert states(run) == ["failed", "failed"]
    assert "you said no to more" in words(run, "B")


def test_a_gate_may_leave_a_task_out_or_abort() -> None:
    def gate(run, own, found):
        return {"B": "skip", "D": "abort"}.get(own.id, "go")

    run, _ = run_through([task(name) for name in "ABCD"], policy(max_parallelism=1), gate=gate)

    assert run.state is RunState.ABORTED
    assert states(run) == ["completed", "skipped", "completed", "skipped"]
    assert code(run, "B") == "left_out"


def test_under_required_an_optional_task_may_fail_and_a_required_one_may_not() -> None:
    def run_with(required: bool):
        def script(job: Job) -> Scripted:
            return Scripted(0.1, error=ValueError("no")) if job.task_id == "A" else Scripted(0.2)

        graph = [task("A", required=required), task("B"), task("C", "B")]
        return run_through(graph, policy(on_failure="required", max_parallelism=2), script)[0]

    assert (run_with(False).state, states(run_with(False))) == (
        RunState.COMPLETED,
        ["failed", "completed", "completed"],
    )
    assert (run_with(True).state, states(run_with(True))) == (
        RunState.FAILED,
        ["failed", "failed", "skipped"],
    )


# -- summaries ---------------------------------------------------------------------------------------------


def test_the_oldest_is_summarised_by_the_model_within_the_same_attempt() -> None:
    prompts: dict[str, list[Job]] = {}

    def work(job: Job) -> TaskResult:
        prompts.setdefault(job.task_id, []).append(job)
        if job.template.startswith("Give a summary"):
            return answer("in short", 20, 10)
        return answer("z" * 100 if job.task_id != "T" else "done", 100, 75)

    context = {"max_tokens": 40, "strategy": "summarise"}
    given = policy(context_policy=context, max_parallelism=1, budget_limit={"amount": 1.0})
    made = new_orchestrator_with_defaults(given, work, Options(catalog=fixed_catalog()))
    run = made.run(new_run("r", [task("A"), task("B"), task("T", "A", "B", prompt="put together")], given))
    made.close()

    first, second = prompts["T"]
    assert first.bundle.messages == ["z" * 100] * 2
    assert second.bundle.messages == ["in short"]
    assert run.tasks["T"].actual.micros == 85
    assert run.usage.micros == 75 * 2 + 85
    compaction = run.tasks["T"].compaction
    assert compaction is not None
    assert (compaction.strategy, compaction.bytes_after) == ("summarise", 8)
    assert set(compaction.messages) <= set(run.archive)


def test_a_summary_that_does_not_shrink_fails_the_task() -> None:
    given = policy(context_policy={"max_tokens": 10, "strategy": "summarise"})
    made = new_orchestrator_with_defaults(
        given, lambda job: answer("z" * 400), Options(catalog=fixed_catalog())
    )
    run = made.run(new_run("r", [task("A"), task("T", "A")], given))
    made.close()

    assert states(run) == ["completed", "failed"]
    assert "no shorter" in words(run, "T")


def test_what_a_summary_used_is_booked_also_where_the_answer_fails() -> None:
    def work(job: Job) -> TaskResult:
        if job.template.startswith("Give a summary"):
            return answer("in short", 20, 10)
        if job.task_id == "T":
            raise WorkFailed("no", Usage(1, 2))
        return answer("z" * 100)

    given = policy(context_policy={"max_tokens": 10, "strategy": "summarise"})
    made = new_orchestrator_with_defaults(given, work, Options(catalog=fixed_catalog()))
    run = made.run(new_run("r", [task("A"), task("T", "A")], given))
    made.close()

    assert run.tasks["T"].actual == Usage(21, 12)


# -- what is refused before it starts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "changes", "error"),
    [
        ([task("A", for_each=["x"]), task("A.1")], {}, errors.DagInvalid),
        ([task("A")], {"fallbacks": {"fats": [HAIKU]}}, errors.ModelUnknown),
    ],
)
def test_what_could_only_fail_later_is_refused_at_the_start(tasks, changes, error) -> None:
    run = new_run("r", tasks, policy(**changes))
    with pytest.raises(error):
        new_orchestrator_with_defaults(run.policy).run(run)
    assert run.state is RunState.FAILED

"""What flows along the edges of a run in memory: references, conditions, summaries."""

from __future__ import annotations

import pytest

from context import template
from run_contract.job import Job
from run_contract.records import Condition, RunState, TaskInput, TaskResult, Usage
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.prompting import enveloped_prompt
from runs.work import WorkFailed
from testing.runs import (
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
from tests.unit.runs.small_runs import echoing, policy

# -- references ----------------------------------------------------------------------------------------------


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


# -- conditions ----------------------------------------------------------------------------------------------


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


# -- summaries -----------------------------------------------------------------------------------------------


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

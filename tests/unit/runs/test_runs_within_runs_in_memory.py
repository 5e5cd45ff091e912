"""Runs that do a task of a run in memory: held to what stands above them, counted in it, ended with it."""

from __future__ import annotations

from typing import Any

import pytest

from run_contract.errors import DagCycle, InvalidInput, ModelUnknown
from run_contract.policy import RunPolicy
from run_contract.records import Condition, InnerRun, Repeat, Run, RunTask, TaskInput, TaskResult, Usage
from runs.control import RunControl
from runs.factory import new_orchestrator_with_defaults, new_run
from runs.prompting import own_words
from runs.work import WorkFailed
from testing.runs import Scripted, answer, code, rig, run_through, states, task, words

WELL = RunPolicy(max_parallelism=4)
ON = {"max_parallelism": 4, "on_failure": "continue"}


def inner(*tasks: RunTask, output: str | None = None, inputs: Any = None, **policy: Any) -> InnerRun:
    given = RunPolicy.model_validate({"max_parallelism": 4} | policy)
    return InnerRun(tasks or (task("x"), task("y", "x")), given, inputs or {}, output=output)


def sub(name: str, *deps: str, within: InnerRun | None = None, **fields: Any) -> RunTask:
    return RunTask(
        name, TaskInput("", fields.pop("given", {})), list(deps), inner=within or inner(), **fields
    )


def lasting(seconds: float, **own: float) -> Any:
    return lambda job: Scripted(own.get(job.task_id, seconds), answer(f"ok:{job.task_id}"))


def priced(name: str, *deps: str, **fields: Any) -> RunTask:
    """A task whose call may cost 229 micro-dollars, and costs 75."""
    return task(name, *deps, **({"max_tokens": 100} | fields))


def child_of(run: Run, name: str) -> Run:
    found = run.tasks[name].child
    assert found is not None
    return found


def test_a_run_does_a_task_and_its_last_answer_is_the_tasks() -> None:
    run, made = run_through([task("a"), sub("s", "a"), task("b", "s")], WELL)

    assert (str(run.state), words(run, "s")) == ("completed", "ok:y")
    assert [name for name, _ in made.executor.began] == ["a", "x", "y", "b"]
    child = child_of(run, "s")
    assert (child.id, str(child.state)) == ("r:s", "completed")
    told = [(each.run_id, each.event) for each in made.events if each.event.startswith("run.")]
    assert told == [("r", "run.started"), ("r:s", "run.started"), ("r:s", "run.completed"),
                    ("r", "run.completed")]  # fmt: skip


def test_several_last_answers_are_an_array_and_one_may_be_named() -> None:
    both = (task("x"), task("y"))
    for within, said in (
        (inner(*both), '["ok:x", "ok:y"]'),
        (inner(*both, output="x"), "ok:x"),
    ):
        run, _ = run_through([sub("s", within=within)], WELL)
        assert words(run, "s") == said


def test_a_step_that_was_done_again_gives_what_its_last_round_gave() -> None:
    until = Condition("{{output}}", "contains", "r2")
    steps = (task("d"), task("k", "d", repeat=Repeat(until, 3, first="d")))
    run, _ = run_through([sub("s", within=inner(*steps, output="d"))], WELL)
    assert words(run, "s") == "ok:d.r2"


def test_a_run_whose_output_has_no_answer_fails_its_task() -> None:
    never = Condition("a", "equals", "b")
    skipped = (task("x"), task("y", "x", when=never))
    for within, of, why in (
        (inner(*skipped, output="y"), "y, which is its output", "y was skipped (a is not b)"),
        (inner(*skipped), "any of its last steps", "y was skipped (a is not b)"),
        (inner(task("f", required=False), task("x"), output="f", on_failure="required"),
         "f, which is its output", "f failed (it broke)"),
    ):  # fmt: skip
        run, _ = run_through([sub("s", within=within)], WELL, _failing_f)
        assert code(run, "s") == "invalid_result"
        assert words(run, "s") == f"its run r:s completed without an answer of {of}: {why}"


def _failing_f(job: Any) -> Scripted:
    if job.task_id == "f":
        return Scripted(error=WorkFailed("it broke"))
    return Scripted(result=answer(f"ok:{job.task_id}"))


def test_of_branches_those_that_were_taken_give_the_answer() -> None:
    never = Condition("a", "equals", "b")
    run, _ = run_through([sub("s", within=inner(task("x"), task("y", when=never)))], WELL)
    assert words(run, "s") == "ok:x"


def test_what_was_added_while_it_ran_is_no_answer_of_its() -> None:
    def script(job: Any) -> Scripted:
        adds = (task("more", "x"),) if job.task_id == "x" else ()
        return Scripted(result=TaskResult(f"ok:{job.task_id}", adds=adds))

    run, made = run_through([sub("s", within=inner(task("x")))], WELL, script)
    assert [name for name, _ in made.executor.began] == ["x", "more"]
    assert words(run, "s") == "ok:x"


def test_what_lists_and_rounds_became_is_no_last_answer_of_its_own() -> None:
    until = Condition("{{output}}", "contains", "r2")
    within = inner(task("l", for_each=["p", "q"]), task("y", repeat=Repeat(until, 3)))
    run, _ = run_through([sub("s", within=within)], WELL)
    assert words(run, "s") == '["[\\"ok:l.1\\", \\"ok:l.2\\"]", "ok:y.r2"]'


def test_its_inputs_are_filled_in_and_words_of_others_are_told_in_envelopes() -> None:
    jobs = {}

    def script(job: Any) -> Scripted:
        jobs[job.task_id] = job
        return Scripted(0.0, answer(f"ok:{job.task_id}"))

    inputs = {"own": "{{inputs.topic}}", "other": "{{deps.a.output}}"}
    asks = task("x", prompt="On {{inputs.own}} and {{inputs.other}} and {{inputs.plain}}")
    asks.inputs = TaskInput(asks.inputs.prompt, {"plain": "wax"}) if asks.inputs else None
    run_through([task("a"), sub("s", "a", within=inner(asks, inputs=inputs), given={"topic": "bees"})], WELL,
                script)  # fmt: skip

    assert own_words(jobs["x"], "m" * 16).startswith("On bees and \n")
    assert '"ok:a"' in own_words(jobs["x"], "m" * 16)
    assert own_words(jobs["x"], "m" * 16).endswith("and wax")


def test_each_item_of_a_list_has_a_run_of_its_own() -> None:
    within = inner(task("x", prompt="On {{inputs.it}}"), inputs={"it": "{{item}} {{index}}"})
    run, made = run_through([sub("s", within=within, for_each=["p", "q"])], WELL)

    assert words(run, "s") == '["ok:x", "ok:x"]'
    assert [child_of(run, name).id for name in ("s.1", "s.2")] == ["r:s.1", "r:s.2"]
    assert made.names("task.started") == ["s.1", "s.2", "x", "x"]


def test_a_round_has_a_run_of_its_own_with_the_answers_of_that_round() -> None:
    until = Condition("{{output}}", "contains", "r2")
    within = inner(task("x", prompt="{{inputs.it}}"), inputs={"it": "{{deps.d.output}}"})
    tasks = [task("d"), sub("s", "d", within=within), task("v", "s", repeat=Repeat(until, 3, first="d"))]
    run, made = run_through(tasks, WELL)

    assert [name for name, _ in made.executor.began] == ["d", "x", "v", "d.r2", "x", "v.r2"]
    again = child_of(run, "s.r2").tasks["x"]
    assert again.inputs is not None
    assert again.inputs.inputs["it"] == "ok:d.r2"


@pytest.mark.parametrize(
    ("on_failure", "state", "others"),
    [
        ("fail_fast", "failed", ["failed", "skipped"]),
        ("continue", "failed", ["failed", "completed"]),
        ("required", "completed", ["failed", "completed"]),
    ],
)
def test_its_failure_is_the_tasks_by_the_policy_of_the_run_above(
    on_failure: str, state: str, others: list[str]
) -> None:
    def script(job: Any) -> Scripted:
        return Scripted(error=WorkFailed("it broke")) if job.task_id == "x" else Scripted(1.0, answer("fine"))

    retry = {"max_attempts": 3, "base_ms": 0, "retry_on": ["any"]}
    policy = RunPolicy.model_validate({"max_parallelism": 2, "on_failure": on_failure, "retry": retry})
    run, made = run_through([sub("s", required=False), task("u"), task("t", "u")], policy, script)

    assert (str(run.state), states(run, "st")) == (state, others)
    told = "its run r:s failed: task x: it broke"
    assert (code(run, "s"), words(run, "s")) == ("execution_failed", told)
    assert [name for name, _ in made.executor.began].count("x") == 1, (
        "a run is not done again as attempts are"
    )


def test_what_is_used_within_is_the_sum_all_the_way_up() -> None:
    deep = inner(task("x"), sub("d", within=inner(task("u"), task("v"))))
    run, _ = run_through([task("a"), sub("s", "a", within=deep)], WELL)

    assert run.usage == Usage(400, 300) == sum_of(run)
    assert child_of(run, "s").usage == Usage(300, 225) == sum_of(child_of(run, "s")) == run.tasks["s"].actual
    assert all(balance.reserved == 0 for balance in run.books.values())


def sum_of(run: Run) -> Usage:
    return sum((each.actual for each in run.tasks.values()), Usage())


@pytest.mark.parametrize(
    ("above", "own", "short"),
    [(0.00031, None, "run r "), (None, 0.00031, "run r:s "), (0.00031, 0.0008, "run r ")],
)
def test_a_call_is_paid_by_every_budget_above_it_or_not_made(
    above: float | None, own: float | None, short: str
) -> None:
    within = inner(*(priced(name) for name in "xyz"), max_parallelism=1, on_failure="continue", **limit(own))
    run, _ = run_through([sub("s", within=within)], RunPolicy.model_validate(ON | limit(above)))
    child = child_of(run, "s")

    assert [code(child, name) for name in "xyz"] == ["", "", "budget_exceeded"], words(child, "z")
    assert words(child, "z").startswith(f"budget {short}")
    assert (run.usage.micros, child.usage.micros) == (150, 150)
    assert all(balance.reserved == 0 for balance in run.books.values())


def limit(dollars: float | None) -> dict[str, Any]:
    return {} if dollars is None else {"budget_limit": {"amount": dollars}}


def test_the_budget_of_a_part_counts_for_a_run_within_that_part() -> None:
    until = Condition("{{output}}", "contains", "r3")
    tasks = [sub("s", within=inner(priced("x"))),
             priced("v", "s", repeat=Repeat(until, 9, first="s"), subtree_micros=430)]  # fmt: skip
    run, _ = run_through(tasks, WELL)

    assert str(run.state) == "failed"
    assert "its run r:s.r3 failed: task x: budget subtree v" in (run.error.message if run.error else "")


def test_who_waits_for_money_in_one_run_gets_what_comes_back_in_another() -> None:
    policy = RunPolicy.model_validate(ON | limit(0.0004))
    run, made = run_through([sub("s", within=inner(priced("x"))), priced("t")], policy, lasting(1.0))

    assert (str(run.state), run.usage.micros) == ("completed", 150)
    assert len(made.names("task.held")) == 1


def test_all_that_lack_money_end_when_nothing_runs_any_more() -> None:
    poor = [sub(name, within=inner(task("x"), on_failure="continue")) for name in "opq"]
    run, _ = run_through(poor, RunPolicy.model_validate(ON | limit(0.0001)))
    assert [code(run, name) for name in "opq"] == ["budget_exceeded"] * 3


def test_more_money_for_the_run_above_is_asked_for_once_and_goes_down() -> None:
    asked = []

    def top_up(run: Run, task: RunTask, budget: Any, micros: int) -> int:
        asked.append((run.id, task.id, budget.account.limit))
        return 10_000

    policy = RunPolicy.model_validate(ON | limit(0.0001))
    run, _ = run_through([sub("s")], policy, top_up=top_up)
    assert (str(run.state), asked) == ("completed", [("r:s", "x", "run:r")])


@pytest.mark.parametrize(("above", "own", "most"), [(4, 1, 1), (2, 4, 2), (1, 4, 1)])
def test_its_tasks_take_the_slots_that_both_policies_leave(above: int, own: int, most: int) -> None:
    within = inner(*(task(f"x{n}") for n in range(5)), max_parallelism=own)
    run, made = run_through([sub("s", within=within)], RunPolicy(max_parallelism=above), lasting(1.0))
    assert (str(run.state), made.executor.most) == ("completed", most)


def test_a_run_within_a_run_within_a_run_is_held_to_the_policy_in_between() -> None:
    deep = [sub(f"d{n}", within=inner(*(task(f"x{k}") for k in range(4)))) for n in range(3)]
    policy = RunPolicy(max_parallelism=8)
    run, made = run_through([sub("s", within=inner(*deep, max_parallelism=2))], policy, lasting(1.0))
    assert (str(run.state), made.executor.most) == ("completed", 2)


def test_it_takes_no_slot_of_the_run_above() -> None:
    run, made = run_through([sub("s"), sub("t"), task("u")], RunPolicy(max_parallelism=1), lasting(1.0))
    assert (str(run.state), made.executor.most) == ("completed", 1)


def test_work_that_was_given_up_keeps_its_slot_in_its_run_too() -> None:
    def script(job: Any) -> Scripted:
        return Scripted(9.0 if job.task_id == "x" else 0.1, heeds=None)

    policy = {"stop_grace_ms": 100, **ON}
    within = inner(task("x", timeout_ms=100), task("y"), max_parallelism=1, on_failure="continue")
    run, made = run_through([sub("s", within=within), task("t")], RunPolicy.model_validate(policy), script)

    started = {each.task_id: each.at for each in made.events if each.event == "task.started"}
    assert started["y"] - started["x"] == pytest.approx(9.0)
    assert (code(run, "s"), states(run, "s")) == ("timeout", ["failed"])


def test_what_lingers_of_it_is_named_in_the_run_above() -> None:
    policy = RunPolicy.model_validate({"stop_grace_ms": 100, "run_timeout_ms": 500} | ON)
    run, _ = run_through([sub("s", within=inner(task("x")))], policy, lambda _: Scripted(9.0, heeds=None))
    assert (child_of(run, "s").lingering, run.lingering) == (["x"], ["s:x"])


def test_an_abort_reaches_inward_and_everything_ends() -> None:
    made, control = rig(WELL, lasting(5.0)), RunControl()
    made.executor.at(1.0, control.cancel)
    tasks = [sub("s", within=inner(sub("d"), task("z", "d"))), task("after", "s")]
    run = made.orchestrator.run(new_run("r", tasks, WELL), control)

    child = child_of(run, "s")
    deep = child_of(child, "d")
    assert [str(each.state) for each in (run, child, deep)] == ["aborted"] * 3
    assert (states(deep, "xy"), states(child, "dz"), states(run)) == (
        ["failed", "skipped"], ["failed", "skipped"], ["skipped", "failed"],
    )  # fmt: skip
    assert code(run, "s") == code(deep, "y") == "cancelled"
    assert all(balance.reserved == 0 for balance in run.books.values())


def test_a_failure_above_ends_what_goes_on_within() -> None:
    def script(job: Any) -> Scripted:
        if job.task_id == "t":
            return Scripted(1.0, error=WorkFailed("it broke"))
        return Scripted(60.0)

    run, made = run_through([sub("s"), sub("q"), task("t")], WELL, script)
    assert (str(run.state), code(run, "s"), code(run, "q")) == ("failed", "cancelled", "cancelled")
    assert str(child_of(run, "s").state) == "aborted"
    assert made.events[-1].at - made.events[0].at == pytest.approx(1.0)


def test_a_run_that_fails_within_ends_its_siblings_at_once() -> None:
    def script(job: Any) -> Scripted:
        return Scripted(1.0, error=WorkFailed("it broke")) if job.task_id == "u" else Scripted(60.0)

    run, made = run_through([sub("a"), sub("b", within=inner(task("u")))], WELL, script)
    assert (str(run.state), str(child_of(run, "a").state)) == ("failed", "aborted")
    assert made.events[-1].at - made.events[0].at == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("above", "step", "own", "ends", "told"),
    [
        (2_000, None, 9_000, ("failed", "aborted"), "r:s, whose work it does, has ended"),
        (9_000, 2_000, 5_000, ("failed", "failed"), "the time is up that r:s has, whose work it does"),
        (9_000, 5_000, 2_000, ("failed", "failed"), "the run took longer than 2 s"),
        (2_000, 2_000, 2_000, ("failed", "aborted"), "r:s, whose work it does, has ended"),
    ],
)
def test_its_deadline_is_no_later_than_what_stands_above(
    above: int, step: int | None, own: int, ends: tuple[str, str], told: str
) -> None:
    policy = RunPolicy.model_validate(ON | {"run_timeout_ms": above})
    within = inner(task("x"), run_timeout_ms=own)
    run, made = run_through([sub("s", within=within, timeout_ms=step)], policy, lasting(60.0))
    child = child_of(run, "s")

    assert (str(run.state), str(child.state)) == ends
    assert child.error is not None
    assert child.error.message == told
    assert made.events[-1].at - made.events[0].at == pytest.approx(2.0)


def deep(levels: int, **policy: Any) -> RunTask:
    found = task("x")
    for _ in range(levels):
        found = sub("s", within=inner(found, **policy))
    return found


def test_runs_within_runs_stand_only_so_deep() -> None:
    run, made = run_through([deep(8)], WELL)
    assert (str(run.state), made.executor.began[0][0]) == ("completed", "x")
    for levels, policy in ((9, {}), (1, {"max_depth": 0})):
        with pytest.raises(InvalidInput, match="too deep"):
            run_through([deep(levels)], RunPolicy.model_validate(policy))
    with pytest.raises(InvalidInput, match="max_depth 0"):
        run_through([deep(2, max_depth=0)], WELL)


@pytest.mark.parametrize(
    ("tasks", "error", "told"),
    [
        ([sub(f"s{n}", within=inner(task("x"))) for n in range(201)], InvalidInput, "more than 200 runs"),
        ([RunTask("s", TaskInput(""), is_run=True)], InvalidInput, "a run that is not given"),
        ([sub("s", within=inner(task("x", "y"), task("y", "x")))], DagCycle, "x -> y"),
        ([sub("s", within=inner(fallbacks={"nobody": ["m"]}))], ModelUnknown, "nobody"),
        ([sub("s", within=inner(mode="batch"))], InvalidInput, "policy.mode"),
    ],
)
def test_what_could_not_go_on_within_is_refused_before_anything_runs(
    tasks: list[RunTask], error: type[Exception], told: str
) -> None:
    made = rig(WELL)
    run = new_run("r", tasks, WELL)
    with pytest.raises(error, match=told):
        made.orchestrator.run(run)
    assert (str(run.state), made.executor.began) == ("failed", [])


@pytest.mark.parametrize(
    ("added", "told"),
    [
        (deep(9), "too deep"),
        (RunTask("s", TaskInput(""), is_run=True), "not given"),
        (sub("s", within=inner(task("x", "y"), task("y", "x"))), "x -> y"),
    ],
)
def test_an_added_task_whose_run_could_not_go_on_is_refused(added: RunTask, told: str) -> None:
    run, _ = run_through([task("a")], WELL, lambda _: Scripted(0.0, answer("fine", adds=(added,))))
    assert (str(run.state), list(run.tasks)) == ("failed", ["a"])
    assert told in words(run, "a")


def test_a_task_that_is_added_may_be_done_by_a_run() -> None:
    def script(job: Any) -> Scripted:
        adds = (sub("s", "a"),) if job.task_id == "a" else ()
        return Scripted(0.0, answer(f"ok:{job.task_id}", adds=adds))

    run, _ = run_through([task("a", subtree_micros=10_000)], WELL, script)
    assert (str(run.state), words(run, "s"), run.usage) == ("completed", "ok:y", Usage(300, 225))


def test_a_batch_has_no_runs_within_it() -> None:
    with pytest.raises(InvalidInput, match="batch is for comparison"):
        run_through([sub("s")], RunPolicy(mode="batch"))


def test_real_threads_do_runs_within_runs_as_well() -> None:
    tasks = [sub("s", for_each=[str(n) for n in range(20)], within=inner(*(task(f"x{n}") for n in range(5))))]
    orchestrator = new_orchestrator_with_defaults(WELL, lambda job: answer(job.task_id))
    run = orchestrator.run(new_run("r", tasks, WELL))
    orchestrator.close()
    assert (str(run.state), run.usage) == ("completed", Usage(20 * 5 * 100, 20 * 5 * 75))


def test_a_run_in_the_midst_of_rounds_is_told_what_the_round_before_answered() -> None:
    repeat = Repeat(Condition("{{output}}", "contains", "good"), 2, "s")
    within_rounds = inner(task("x", prompt="{{inputs.q}}"), inputs={"q": "{{previous}}"})
    graph = [sub("s", within=within_rounds), task("k", "s", repeat=repeat)]
    told = {"k": "too long", "k.r2": "good"}
    run, _ = run_through(graph, WELL, lambda job: Scripted(1.0, answer(told.get(job.task_id, "ok"))))

    assert str(run.state) == "completed"
    given = child_of(run, "s.r2").tasks["x"].inputs
    assert given is not None
    assert "too long" in str(given.inputs)

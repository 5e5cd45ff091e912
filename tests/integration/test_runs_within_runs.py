"""Runs that do a task of another run: started once, held to what stands above, their answer is its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cost.budget_enforcer import Payer
from run_contract.errors import InvalidInput
from runs import sub_runs as rules
from runs.entering import new_run
from runs.request import read_start
from runs.workflow import SubRun
from safety.headroom import counted, over_budget
from store import budgets, run_steering, runs, sub_runs
from testing.durable_runs import DurableRuns

INNER: dict[str, Any] = {
    "name": "inner",
    "inputs": {"topic": None},
    "steps": [
        {"id": "x", "prompt": "On {{inputs.topic}}"},
        {"id": "y", "depends_on": ["x"], "prompt": "Shorten {{deps.x.output}}"},
    ],
}


@pytest.fixture
def rig(store, who, home) -> DurableRuns:
    made = DurableRuns(store, who, lambda name: f"ok:{name}")
    made.read_outputs(home.outputs)
    return made


def outer(inner: dict[str, Any] | None = None, **more: Any) -> list[dict[str, Any]]:
    run = {"workflow": INNER | (inner or {}), "inputs": {"topic": "bees, and {{deps.a.output}}"}} | more
    return [
        {"id": "a", "prompt": "x"},
        {"id": "sub", "run": run, "deps": ["a"]},
        {"id": "b", "prompt": "After {{deps.sub.output}}", "deps": ["sub"]},
    ]


def child_of(rig: DurableRuns, run: str) -> str:
    return str(rig.shown(run)["tasks"]["sub"]["child"])


def failing(*names: str):
    def work(name: str) -> str:
        if name in names:
            raise ValueError("it broke")
        return f"ok:{name}"

    return work


def test_a_run_does_a_task_and_its_last_answer_is_the_tasks(rig) -> None:
    run = rig.start(tasks=outer())
    told = rig.go(run)
    child = rig.shown(child_of(rig, run))

    assert (told["state"], told["tasks"]["sub"]["output"]) == ("completed", "ok:y")
    assert rig.begun == ["a", "x", "y", "b"]
    assert (child["state"], child["parent"]) == ("completed", f"{run}:sub")
    assert "ok:y" in rig.sent["b"]


def test_a_run_in_rounds_of_a_run_within_is_told_what_the_round_before_answered(rig) -> None:
    deep = INNER | {"steps": INNER["steps"][:1]}
    until = {"of": "{{output}}", "test": "contains", "value": "good"}
    steps = [
        {"id": "c", "run": {"workflow": deep, "inputs": {"topic": "last time: {{previous}}"}}},
        {"id": "k", "depends_on": ["c"], "prompt": "x", "repeat": {"first": "c", "until": until, "most": 2}},
    ]
    rig.work = lambda name: {"k": "too long", "k.r2": "good"}.get(name, "ok")
    told = rig.go(rig.start(tasks=outer({"steps": steps})))

    assert told["state"] == "completed"
    assert "too long" in rig.sent["x"]


def test_while_it_runs_its_task_says_what_it_waits_for(rig) -> None:
    run = rig.start(tasks=outer())
    rig.turn()
    rig.claim()
    child = child_of(rig, run)
    assert rig.shown(run)["tasks"]["sub"]["waiting_for"] == f"its run {child}"


def test_what_holds_up_the_run_within_is_told_at_its_task(rig) -> None:
    ask = {"id": "x", "ask": "Which bees?"}
    run = rig.start(tasks=outer({"steps": [ask]}))
    while rig.turn():
        pass
    child = child_of(rig, run)
    told = rig.shown(run)["tasks"]["sub"]
    assert told["waiting_for"].startswith(f"its run {child}; {child}:x waits for ")
    assert "held_by" not in told


def test_words_of_others_in_its_inputs_are_told_in_envelopes_and_a_persons_own_are_not(rig) -> None:
    rig.go(rig.start(tasks=outer()))
    assert rig.sent["x"] != "On bees, and ok:a"
    assert "bees, and ok:a" in rig.sent["x"]
    own = outer()
    own[1]["run"]["inputs"] = {"topic": "bees"}
    rig.go(rig.start(tasks=own))
    assert rig.sent["x"] == "On bees"


def test_several_last_answers_are_an_array_and_one_may_be_named(rig) -> None:
    steps = [{"id": "x", "prompt": "x"}, {"id": "y", "prompt": "y"}]
    for more, answer in (({}, '["ok:x", "ok:y"]'), ({"output": "x"}, "ok:x")):
        run = rig.start(tasks=outer({"steps": steps, "inputs": {"topic": ""}}, **more))
        assert rig.go(run)["tasks"]["sub"]["output"] == answer


def test_a_step_that_was_done_again_gives_what_its_last_round_gave(rig) -> None:
    rig.work = lambda name: {"d": "POOR", "d.r2": "BETTER", "k": "score: 1"}.get(name, "score: 99")
    until = {"of": "{{output}}", "test": "at_least", "value": 90}
    steps = [
        {"id": "d", "prompt": "{{previous}}"},
        {"id": "k", "prompt": "k", "depends_on": ["d"], "repeat": {"first": "d", "until": until}},
    ]
    run = rig.start(tasks=outer({"steps": steps, "inputs": {"topic": ""}}, output="d"))
    told = rig.go(run)
    assert told["tasks"]["sub"]["output"] == "BETTER"
    assert "BETTER" in rig.sent["b"]

    inner = rig.shown(child_of(rig, run))["tasks"]
    assert (inner["d"]["output"], inner["d"]["answer_of"]) == ("POOR", "d.r2")
    assert "answer_of" not in inner["d.r2"]
    assert "answer_of" not in inner["k"]


@pytest.mark.parametrize(
    ("named", "of"), [({"output": "y"}, "y, which is its output"), ({}, "any of its last steps")]
)
def test_a_run_whose_output_was_skipped_fails_its_task(rig, named: dict[str, str], of: str) -> None:
    never = {"of": "1", "test": "equals", "value": "2"}
    steps = [{"id": "x", "prompt": "x"}, {"id": "y", "prompt": "y", "depends_on": ["x"], "when": never}]
    run = rig.start(tasks=outer({"steps": steps, "inputs": {"topic": ""}}, **named))
    error = rig.go(run)["tasks"]["sub"]["error"]
    told = f"its run {child_of(rig, run)} completed without an answer of {of}: y was skipped (1 is not 2)"
    assert error == {"code": "invalid_result", "message": told}
    assert "b" not in rig.begun


def test_a_run_whose_output_failed_unrequired_fails_its_task(rig) -> None:
    rig.work = failing("x")
    steps = [{"id": "x", "prompt": "x", "required": False}, {"id": "y", "prompt": "y"}]
    changes = {"steps": steps, "inputs": {"topic": ""}, "policy": {"on_failure": "required"}}
    run = rig.start(tasks=outer(changes, output="x"))
    message = rig.go(run)["tasks"]["sub"]["error"]["message"]
    assert message.endswith("without an answer of x, which is its output: x failed (it broke)")


def test_what_was_added_while_it_ran_is_no_answer_of_its(rig) -> None:
    adds = json.dumps({"tasks": [{"id": "more", "prompt": "x", "deps": ["x"]}]})
    said = f"text\n```skep-tasks\n{adds}\n```"
    rig.work = lambda name: said if name == "x" else f"ok:{name}"
    steps = [{"id": "x", "prompt": "x", "may_add": True}]
    run = rig.start(tasks=outer({"steps": steps, "inputs": {"topic": ""}}))
    assert rig.go(run)["tasks"]["sub"]["output"] == said
    assert "more" in rig.begun


def test_its_failure_is_the_tasks_and_both_are_resumed(rig) -> None:
    rig.work = failing("y")
    run = rig.start(tasks=outer())
    told = rig.go(run)
    child = child_of(rig, run)
    assert (told["state"], told["tasks"]["sub"]["error"]["code"]) == ("failed", "execution_failed")
    assert told["tasks"]["sub"]["error"]["message"] == f"its run {child} failed: task y: it broke"

    rig.work = failing()
    rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
    told = rig.go(run)
    assert (told["state"], child_of(rig, run)) == ("completed", child)
    assert rig.begun == ["a", "x", "y", "y", "b"]


def test_an_abort_goes_down_and_a_resumed_run_brings_it_back(rig) -> None:
    run = rig.start(tasks=outer())
    rig.turn()
    rig.claim()
    child = child_of(rig, run)
    rig.abort(run)
    rig.go(run)
    assert (rig.shown(run)["state"], rig.shown(child)["state"]) == ("aborted", "aborted")

    rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
    assert rig.go(run)["state"] == "completed"
    assert child_of(rig, run) == child


@pytest.mark.parametrize("way", ["abort", "deadline"])
def test_a_run_ends_when_what_runs_within_it_has_ended(rig, clock, way: str) -> None:
    run = rig.start(policy={"run_timeout_ms": 5_000}, tasks=outer())
    rig.turn()
    rig.claim()
    child = child_of(rig, run)
    if way == "abort":
        rig.abort(run)
    else:
        clock.advance(6.0)
        rig.store.write(run_steering.end_overdue)
    told = rig.shown(run)
    assert (told["state"], told["open_tasks"]) == ("aborting" if way == "abort" else "running", 1)
    assert rig.shown(child)["finished_at"] is None
    assert told["tasks"]["b"]["error"]["code"] == ("cancelled" if way == "abort" else "run_ended")

    told = rig.go(run)
    assert told["state"] == ("aborted" if way == "abort" else "failed")
    sub = told["tasks"]["sub"]
    assert (sub["state"], sub["error"]["code"], sub["attempts"]) == ("failed", "cancelled", 1)
    assert told["tasks"]["b"]["state"] == "skipped"
    assert rig.shown(child)["finished_at"] <= told["finished_at"]


def test_a_run_of_which_nothing_runs_ends_with_all_within_it_at_once(rig) -> None:
    run = rig.start(tasks=outer({"steps": [{"id": "x", "ask": "Which bees?"}]}))
    while rig.turn():
        pass
    rig.abort(run)
    assert (rig.shown(run)["state"], rig.shown(child_of(rig, run))["state"]) == ("aborted", "aborted")


def test_a_cancelled_task_takes_its_run_along_and_ends_with_it(rig) -> None:
    run = rig.start(policy={"on_failure": "continue"}, tasks=outer())
    rig.turn()
    rig.claim()
    assert rig.store.cancel(f"{run}:sub", "ann") == "stopping"
    assert rig.shown(run)["state"] == "running"
    told = rig.go(run)
    assert rig.shown(child_of(rig, run))["state"] == "aborted"
    sub = told["tasks"]["sub"]
    assert (sub["state"], sub["error"]) == (
        "failed", {"code": "cancelled", "message": "cancelled by ann"},
    )  # fmt: skip


def test_a_run_that_is_aborted_by_itself_fails_its_task(rig) -> None:
    run = rig.start(tasks=outer())
    rig.turn()
    rig.claim()
    rig.abort(child_of(rig, run))
    told = rig.go(run)
    assert (told["state"], told["tasks"]["sub"]["error"]["code"]) == ("failed", "cancelled")


def test_its_deadline_is_no_later_than_what_stands_above(rig, clock) -> None:
    tasks = outer({"policy": {"run_timeout_ms": 9_000}})
    tasks[1]["timeout_ms"] = 6_000
    run = rig.start(policy={"run_timeout_ms": 5_000}, tasks=tasks)
    rig.turn()
    rig.claim()
    row = rig.store.reader.one("get_run", id=child_of(rig, run))
    assert row["deadline"] - clock.now() == pytest.approx(5.0)
    clock.advance(5.5)
    rig.store.write(run_steering.end_overdue)
    rig.go(run)
    assert rig.shown(run)["state"] == "failed"
    assert rig.shown(row["id"])["state"] == "aborted"


@pytest.mark.parametrize(("above", "step"), [({"run_timeout_ms": 5_000}, 0), ({}, 5_000)])
def test_a_deadline_it_has_from_above_ends_it_and_keeps_no_other_run_from_its_own(
    rig, clock, above, step
) -> None:
    tasks = outer()
    tasks[1] |= {"timeout_ms": step} if step else {}
    run = rig.start(policy=above, tasks=tasks)
    rig.turn()
    rig.claim()
    child = child_of(rig, run)
    other = rig.start(policy={"run_timeout_ms": 5_500}, tasks=[{"id": "z", "prompt": "x"}])
    clock.advance(6.0)
    rig.store.write(run_steering.end_overdue)

    rig.go(run)
    assert rig.shown(other)["error"]["message"] == "the run took longer than 5.5 s"
    told = rig.shown(child)
    assert told["state"] in {"failed", "aborted"}
    assert step == 0 or told["error"]["message"] == f"the time is up that {run}:sub has, whose work it does"


def test_a_run_within_a_run_that_goes_on_has_the_time_of_what_stands_above_again(rig, clock) -> None:
    tasks = outer()
    tasks[1]["timeout_ms"] = 4_000
    run = rig.start(policy={"run_timeout_ms": 9_000}, tasks=tasks)
    rig.turn()
    rig.claim()
    clock.advance(5.0)
    rig.store.write(run_steering.end_overdue)
    rig.go(run)
    rig.store.write(lambda tx: run_steering.resume(tx, run, "cli:ana"))
    rig.claim()

    row = rig.store.reader.one("get_run", id=child_of(rig, run))
    assert row["state"] == "running"
    assert row["deadline"] - clock.now() == pytest.approx(4.0)


def test_what_it_spends_counts_against_the_run_above(rig) -> None:
    run = rig.start(policy={"budget_limit": {"amount": 0.001}}, tasks=outer())
    rig.turn()
    rig.claim()
    child = child_of(rig, run)
    reader = rig.store.reader
    payer = Payer(f"{child}:x", child, None)
    accounts = counted(reader, payer, "m", 0.0)
    assert [each.limit for each in accounts[:3]] == [f"task:{child}:x", f"run:{child}", f"run:{run}"]

    held = over_budget(reader, accounts, budgets.BudgetLimits.kept(reader), payer, 2_000)
    assert held is not None
    assert held.held_by == f"run:{run}"

    wanted = budgets.Reservation("c", f"{child}:x", 1, "m", "1:1:1", accounts, 700)
    rig.store.write(lambda tx: budgets.reserve(tx, wanted))
    rig.store.write(lambda tx: budgets.book(tx, "c", 600))
    told = rig.go(run)
    assert (told["cost_micros"], told["tasks"]["sub"]["usage"]["cost_micros"]) == (600, 600)
    assert rig.shown(child)["cost_micros"] == 600


def test_it_is_started_once_however_often_its_task_is_claimed(rig) -> None:
    run = rig.start(tasks=outer())
    rig.turn()
    rig.claim()
    child = child_of(rig, run)
    row = rig.store.reader.task(f"{run}:sub")
    rig.store.write(lambda tx: tx.all("wake_parent", held_by=f"child:{child}"))
    rig.claim()
    assert child_of(rig, run) == child
    assert rig.store.reader.task(f"{run}:sub")["state"] == "delayed"
    assert row["attempts"] == 0
    assert len(rig.store.reader.all("list_runs", before=2**62, states=None, limit=9)) == 2


def test_a_run_that_ended_before_its_task_waits_does_not_leave_it_waiting(rig) -> None:
    run = rig.start(tasks=outer())
    rig.turn()
    (claim,) = rig.store.claim(rig.who, 1)
    wanted = SubRun.model_validate({"workflow": INNER, "inputs": {"topic": "bees"}})
    request = rules.request_of(wanted, "early", rig.house.policies_file)
    new = new_run(request, rig.house)
    rig.store.write(lambda tx: runs.start(tx, new, "test", rig.store.limits))
    rig.abort("early")
    rig.store.write(lambda tx: sub_runs.wait(tx, claim.ref, "early"))
    assert rig.store.reader.task(f"{run}:sub")["state"] == "ready"


def test_runs_within_runs_stand_only_so_deep(rig) -> None:
    step: dict[str, Any] = {"id": "s", "prompt": "x"}
    for _ in range(9):
        step = {"id": "s", "run": {"workflow": {"name": "w", "steps": [step]}}}
    deep = [step]
    with pytest.raises(InvalidInput, match="stand too deep"):
        rig.start(tasks=deep)
    with pytest.raises(InvalidInput, match="max_depth 0"):
        rig.start(policy={"max_depth": 0}, tasks=outer())


def test_a_file_of_the_home_is_read_when_the_run_is_started(rig, tmp_path) -> None:
    from dataclasses import replace

    (tmp_path / "inner.json").write_text(json.dumps({"workflow": INNER}))
    (tmp_path / "itself.yaml").write_text("workflow: {name: w, steps: [{id: s, run: {file: itself.yaml}}]}")
    rig.house = replace(rig.house, workflows=tmp_path)
    run = {"file": "inner.json", "inputs": {"topic": "bees"}}
    started = rig.start(tasks=[{"id": "sub", "run": run}])
    (tmp_path / "inner.json").unlink()
    assert rig.go(started)["tasks"]["sub"]["output"] == "ok:y"
    with pytest.raises(InvalidInput, match="stand too deep"):
        rig.start(tasks=[{"id": "sub", "run": {"file": "itself.yaml"}}])
    with pytest.raises(InvalidInput, match="there is no file"):
        rig.start(tasks=[{"id": "sub", "run": {"file": "none.yaml"}}])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": "m", "run": {"workflow": INNER, "inputs": {"topic": "t"}}}, "has no model"),
        ({"run": {}}, "give one of workflow and file"),
        ({"run": {"file": "../x.yaml"}}, "must be the name of a file in workflows/"),
        ({"run": {"workflow": INNER}}, "needs the input 'topic'"),
        ({"run": {"workflow": INNER, "inputs": {"topic": "t"}, "output": "z"}}, "has no step 'z'"),
        ({"run": {"workflow": INNER, "inputs": {"topic": "{{deps.z.output}}"}}}, "stands for nothing"),
        (
            {"run": {"workflow": INNER | {"policy": {"mode": "batch"}}, "inputs": {"topic": ""}}},
            "policy.mode",
        ),
        (
            {
                "run": {
                    "workflow": INNER | {"steps": [{"id": "x", "prompt": "{{no}}"}]},
                    "inputs": {"topic": ""},
                }
            },
            "stands for nothing",
        ),
    ],
)
def test_what_could_not_be_started_is_refused_with_the_run_above(
    rig, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        new_run(read_start({"tasks": [{"id": "sub"} | change]}), rig.house)


def test_the_way_to_a_field_of_a_run_within_is_told_once(rig) -> None:
    def within(step: dict[str, Any]) -> dict[str, Any]:
        return {"id": "s", "run": {"workflow": {"name": "w", "steps": [step]}}}

    batch = {"name": "v", "policy": {"mode": "batch"}, "steps": [{"id": "c", "prompt": "x"}]}
    with pytest.raises(InvalidInput) as refusal:
        rig.start(tasks=[within({"id": "b", "run": {"workflow": batch}})])
    assert refusal.value.details["path"] == "tasks[0].run.workflow.steps[0].run"
    assert refusal.value.message.startswith("tasks[0].run.workflow.steps[0].run: policy.mode: batch is")

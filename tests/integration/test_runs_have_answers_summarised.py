"""``strategy: summarise`` on the road: asked inside the budget, paid once, kept, and able to be undone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

import skep
from panel.run_usage import RunUsage
from run_contract.policy import RunPolicy
from run_contract.records import RunTask, TaskInput, TaskResult
from runs.factory import new_orchestrator_with_defaults, new_run
from store import budgets, claims, recording, run_summaries
from store.budgets import Account, Reservation
from store.lanes import Gate
from store.records import Claim
from store.run_summaries import SummaryRef
from testing.model_server import ModelRequest, ModelServer, Reply
from tests.integration.run_road_rig import RunRoadRig

LONG = "All bees are called Maja. " * 40
CONTEXT = {"max_tokens": 300, "strategy": "summarise"}
TASKS: list[dict[str, Any]] = [
    {"id": "one", "prompt": "first"},
    {"id": "two", "prompt": "second"},
    {"id": "end", "prompt": "Who are they?", "deps": ["one", "two"], "context": CONTEXT},
]
#: A process of a boot that is over.
DEAD = "another-boot/1/1"


def answers(request: ModelRequest) -> Reply:
    if "Give a summary" in request.prompt:
        return Reply(text="They are called Maja.")
    return Reply(text="Maja." if "Who are they?" in request.prompt else LONG)


@pytest.fixture
def server():
    with ModelServer() as server:
        server.answer = answers
        yield server


@pytest.fixture
def rig(tmp_path, server):
    with RunRoadRig(tmp_path, server) as rig:
        yield rig


def asked(server: ModelServer) -> list[str]:
    return [request.prompt for request in server.requests]


def spent(rig: RunRoadRig, limit: str) -> int:
    return budgets.balance_of(rig.store.reader, Account.of_limit(limit, 0)).spent


def test_the_model_is_told_the_summary_in_place_of_what_it_stands_for(rig, server) -> None:
    told = rig.go(rig.start(id="r", tasks=TASKS))

    assert told["state"] == "completed"
    *_, question, attempt = asked(server)
    assert question.count("All bees are called Maja.") == 80
    assert "They are called Maja." in attempt
    assert "All bees" not in attempt
    ledger = told["tasks"]["end"]["context"]
    assert [each["task"] for each in ledger["dropped"]] == ["one", "two"]
    assert ledger["told"][0]["task"] == "a summary of earlier answers"
    assert ledger["strategy"] == "summarise"
    assert ledger["bytes_after"] < ledger["bytes_before"]


def test_the_summary_counts_in_every_budget_and_in_what_the_run_used(rig, server) -> None:
    told = rig.go(rig.start(id="r", tasks=TASKS))

    calls = [
        row for row in rig.store.reader.all("audit_after", after=0, limit=99) if row["task_id"] == "r:end"
    ]
    settled = [row["cost_micros"] for row in calls if row["decision"] == "settled"]
    assert len(settled) == 2
    assert spent(rig, "task:r:end") == sum(settled) == told["tasks"]["end"]["usage"]["cost_micros"]
    tokens = told["tasks"]["end"]["usage"]["tokens"]
    assert tokens == sum(settled)  # at a dollar for a million tokens
    check_the_panel(rig, told)


def check_the_panel(rig: RunRoadRig, told: dict[str, Any]) -> None:
    """The panel tells the tokens and the money of a run as the API does."""
    usage = RunUsage(rig.store.clock)
    row = rig.store.reader.one("get_run", id=told["id"])
    assert row is not None
    found = usage.of(rig.store.reader, row)
    usage.close()
    assert found is not None
    assert found.tokens == told["usage"]["tokens"] > 0
    assert sum(micros for _, _, _, micros in found.steps) == told["cost_micros"]


def test_the_panel_counts_what_runs_within_a_run_used(rig) -> None:
    inner = {"name": "inner", "steps": [{"id": "x", "prompt": "third"}]}
    told = rig.go(
        rig.start(id="r", tasks=[{"id": "a", "prompt": "first"}, {"id": "s", "run": {"workflow": inner}}])
    )
    assert told["state"] == "completed"
    check_the_panel(rig, told)


def test_what_was_left_out_can_be_read_by_its_hash(rig, tmp_path) -> None:
    rig.go(rig.start(id="r", tasks=TASKS))
    ref = rig.shown("r")["tasks"]["end"]["context"]["dropped"][0]["output_ref"]

    def show(*words: str) -> Any:
        return CliRunner().invoke(skep.cli, ["--home", str(tmp_path), "run", "show", "r", *words])

    assert ref in show("--context").output
    assert show("--text", ref).output.strip() == LONG.strip()
    assert show("--text", "0" * 64).exit_code != 0


def test_an_attempt_that_follows_does_not_ask_for_the_same_summary_again(rig, server) -> None:
    rig.start(id="r", tasks=TASKS)
    rig.step(), rig.step()
    server.answer = lambda request: (
        answers(request) if "Give a summary" in request.prompt else Reply(status=500)
    )
    rig.step()
    row = rig.store.reader.task("r:end")
    assert row["attempts"] == 1
    server.answer = answers
    let_go = {"state": "ready", "waiting_for": None, "not_before": None}
    rig.store.write(lambda tx: tx.run("set_state", seq=row["seq"], **let_go))

    assert rig.go("r")["state"] == "completed"
    assert sum("Give a summary" in prompt for prompt in asked(server)) == 1


def test_a_summary_whose_process_died_is_booked_at_its_worst_case_and_asked_for_again(rig, server) -> None:
    rig.start(id="r", tasks=TASKS)
    rig.step(), rig.step()
    (row,) = rig.store.write(lambda tx: claims.claim(tx, rig.who, 1, Gate(), rig.store.limits))
    claim = Claim.from_row(row)
    given = rig.road()._runs.given(claim, "0" * 16)
    request = given.summary.request({})
    digest = run_summaries.digest_of(request["prompt"], request["mark"], None)
    accounts = [Account("task", "r:end"), Account("run", "r")]
    call = Reservation("c", "r:end", claim.ref.lease, "test-model", DEAD, accounts, 5_000)

    def begin(tx: Any) -> None:
        run_summaries.start(
            tx, SummaryRef(claim.ref, claim.seq, digest), DEAD, lambda tx: budgets.reserve(tx, call)
        )

    rig.store.write(begin)
    rig.store.write(
        lambda tx: recording.interrupted(tx, tx.one("get_task", id="r:end"), "idempotent", 3, "gone")
    )
    rig.store.write(lambda tx: budgets.settle_abandoned(tx, "swarm"))

    assert rig.go("r")["state"] == "completed"
    assert sum("Give a summary" in prompt for prompt in asked(server)) == 1
    assert spent(rig, "task:r:end") > 5_000
    assert budgets.balance_of(rig.store.reader, Account("run", "r")).unsettled == 5_000


def test_a_summary_that_does_not_shrink_fails_the_task_as_it_does_in_memory(rig, server) -> None:
    def long_winded(request: Any) -> Reply:
        return Reply(text=LONG * 4 if "Give a summary" in request.prompt else LONG)

    server.answer = long_winded
    told = rig.go(rig.start(id="r", tasks=TASKS))["tasks"]["end"]

    def work(job: Any) -> TaskResult:
        return TaskResult(LONG * 4 if "Give a summary" in job.template else LONG)

    policy = RunPolicy.model_validate({"context_policy": CONTEXT})
    made = [RunTask(each["id"], TaskInput(each["prompt"]), deps=each.get("deps", [])) for each in TASKS]
    there = new_orchestrator_with_defaults(policy, work).run(new_run("r", made, policy)).tasks["end"]
    assert there.error is not None
    assert told["state"] == str(there.state) == "failed"
    assert told["error"]["code"] == there.error.code == "context_too_large"
    assert "the summary is no shorter than what it stands for" in told["error"]["message"]
    assert told["usage"]["cost_micros"] > 0


def test_a_summary_that_cannot_be_had_is_tried_again_by_the_policy_of_the_run(rig, server) -> None:
    failures = iter([Reply(status=500), Reply(status=500)])

    def first_fails(request: Any) -> Reply:
        is_summary = "Give a summary" in request.prompt
        return next(failures, answers(request)) if is_summary else answers(request)

    server.answer = first_fails
    told = rig.go(rig.start(id="r", policy={"retry": {"max_attempts": 3, "base_ms": 0}}, tasks=TASKS))

    assert told["state"] == "completed"
    assert told["tasks"]["end"]["attempts"] == 3


def test_a_summary_that_no_budget_can_pay_holds_its_task(rig) -> None:
    tasks = [*TASKS[:2], {**TASKS[2], "budget": 0.000001}]
    rig.go(rig.start(id="r", tasks=tasks))

    assert "budget task" in rig.shown("r")["tasks"]["end"]["waiting_for"]
    (question,) = rig.store.reader.decisions()
    assert json.loads(question["payload"])["limit"] == "task:r:end"

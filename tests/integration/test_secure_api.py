"""Every model call is reserved at its worst case, booked at what it came to, and told to the audit."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from cost.cost_calculator import worst_case
from cost.model_catalog import ModelFacts
from cost.price import Price
from safety.headroom import Headroom
from safety.work import Work
from store import budgets
from store.budgets import Account, Balance
from store.records import Claim
from testing.model_script import Reply
from testing.model_server import ModelServer
from tests.integration.swarm_rig import SwarmRig, eventually

PRICES: dict[str, Any] = {"llm_price_input": 1.0, "llm_price_output": 10.0}


@pytest.fixture
def rig(tmp_path: Path, model: ModelServer):
    with SwarmRig(tmp_path, llm_base_url=model.url, llm_model="m", **PRICES) as rig:
        yield rig


def limited_rig(tmp_path: Path, model: ModelServer, **settings: Any) -> SwarmRig:
    return SwarmRig(tmp_path, llm_base_url=model.url, llm_model="m", **PRICES, **settings)


def balance(rig: SwarmRig, limit: str = "total") -> Balance:
    reader = rig.store.reader
    return budgets.balance_of(reader, Account.of_limit(limit, reader.now()))


def worst(claim: Claim, max_tokens: int = 100) -> int:
    price = Price.from_json('["1.0", "10.0", "0", []]')
    texts = [message.content for message in Work.of(claim.task).messages]
    return worst_case(ModelFacts(price), texts, max_tokens)


def records(rig: SwarmRig) -> list[sqlite3.Row]:
    """What the audit has of calls; the start of swarm leaves records of its own."""
    rows = rig.store.reader.all("audit_after", after=0, limit=100)
    return [row for row in rows if row["event"] in {"model_call", "budget"}]


def audit(rig: SwarmRig) -> list[tuple[str, str, int | None]]:
    return [(row["event"], row["decision"], row["cost_micros"]) for row in records(rig)]


def refused(rig: SwarmRig) -> int:
    return sum(decision == "blocked" for _, decision, _ in audit(rig))


def test_an_answer_is_booked_at_what_the_server_counted(rig: SwarmRig, model: ModelServer) -> None:
    model.reply_with(Reply(text="one two three"))
    claim = rig.claim(prompt="hello there", max_tokens=100, run_id="r-1")

    body = rig.cycle(claim).json()

    cost = body["usage"]["prompt_tokens"] + 10 * 3
    assert (body["cost_micros"], body["reserved_micros"], body["unsettled"]) == (cost, worst(claim), False)
    for limit in ("total", "day", "model:m", "run:r-1", f"task:{claim.id}"):
        assert balance(rig, limit) == Balance(spent=cost)
    assert audit(rig) == [("model_call", "reserved", worst(claim)), ("model_call", "settled", cost)]
    assert [json.loads(row["data"])["reserved_micros"] for row in rig.events("budget.reserved")] == [
        worst(claim)
    ]
    assert json.loads(rig.events("budget.settled")[0]["data"])["cost_micros"] == cost


def test_the_audit_has_the_call_and_none_of_its_words(rig: SwarmRig, model: ModelServer) -> None:
    model.reply_with(Reply(text="classified answer"))
    claim = rig.claim(prompt="secret question", max_tokens=100)

    rig.cycle(claim)

    rows = records(rig)
    told = [json.loads(row["data"]) for row in rows]
    assert [row["digest"] for row in rows] == [rows[0]["digest"]] * 2
    assert [(row["task_id"], row["lease"], row["actor"]) for row in rows] == [(claim.id, 1, "swarm")] * 2
    assert {(one["model"], one["endpoint"]) for one in told} == {("m", "127.0.0.1")}
    assert told[1]["tokens"] > 2
    assert "secret question" not in repr([tuple(row) for row in rows])
    assert "classified" not in repr([tuple(row) for row in rows])


@pytest.mark.parametrize(
    "reply",
    [
        Reply(usage=False),
        Reply(cut_after_chunks=1),
        Reply(hang_up=True),
        Reply(status=500),
        Reply(status=502),
        Reply(status=504),
        Reply(text="begun", stream_error={"type": "overloaded_error", "message": "busy"}),
        Reply(body='{"choices": [{"message": {"content": "hi"}}], "usage": {"prompt_tokens": 0, '
              '"completion_tokens": 0}}'),
        Reply(body='{"choices": [{"message": {"content": "hi"}}], "usage": {"prompt_tokens": 1e400, '
              '"completion_tokens": -1}}'),
        Reply(body="nonsense"),
    ],
)  # fmt: skip
def test_what_nobody_counted_is_booked_at_the_worst_case(
    rig: SwarmRig, model: ModelServer, reply: Reply
) -> None:
    model.reply_with(reply, reply)
    claim = rig.claim(prompt="hello", max_tokens=100)

    body = rig.cycle(claim).json()

    assert (body["cost_micros"], body["unsettled"]) == (worst(claim), True)
    assert balance(rig) == Balance(spent=worst(claim), unsettled=worst(claim))
    assert audit(rig)[-1] == ("model_call", "unsettled", worst(claim))


@pytest.mark.parametrize("status", [429, 503, 529, 400, 401, 404])
def test_a_call_that_is_turned_away_costs_nothing(rig: SwarmRig, model: ModelServer, status: int) -> None:
    model.reply_with(Reply(status=status, text="no"))

    body = rig.cycle(rig.claim(prompt="hello", max_tokens=100)).json()

    assert (body["status"], body["cost_micros"], body["unsettled"]) == ("failed", 0, False)
    assert balance(rig) == Balance()
    assert audit(rig)[-1] == ("model_call", "settled", 0)


OVERLOADED = {"error": {"type": "overloaded_error", "message": "Overloaded"}}


@pytest.mark.parametrize("text", ["half an answer", ""])
def test_a_call_that_breaks_off_busy_when_it_was_begun_counts_as_a_try(
    rig: SwarmRig, model: ModelServer, text: str
) -> None:
    """It is booked, so that it may not be made again and again without an end."""
    model.reply_with(Reply(text=text, stream_error=OVERLOADED))
    body = rig.cycle(claim := rig.claim(prompt="hello", max_tokens=100)).json()
    assert (body["failure"]["code"], body["failure"]["retryable"]) == ("model_busy", True)
    assert body["failure"]["counts"] is True
    assert balance(rig).spent == worst(claim)


def test_a_call_that_a_busy_server_turns_away_counts_as_none(rig: SwarmRig, model: ModelServer) -> None:
    model.reply_with(Reply(status=529, text="Overloaded"))
    failure = rig.cycle(rig.claim(prompt="hello")).json()["failure"]
    assert (failure["code"], failure["counts"]) == ("model_busy", False)
    assert balance(rig).spent == 0


def test_a_server_that_is_not_there_costs_nothing(rig: SwarmRig, model: ModelServer) -> None:
    model.close()

    body = rig.cycle(rig.claim(prompt="hello", max_tokens=100)).json()

    assert (body["failure"]["code"], body["cost_micros"]) == ("model_unreachable", 0)
    assert balance(rig) == Balance()


def test_a_time_out_is_booked_at_the_worst_case(rig: SwarmRig, model: ModelServer) -> None:
    model.reply_with(Reply(hold=threading.Event()))
    claim = rig.claim(prompt="hello", max_tokens=100)

    rig.cycle(claim, timeout=0.2)

    assert balance(rig) == Balance(spent=worst(claim), unsettled=worst(claim))


def test_so_is_a_call_that_a_person_cancels(rig: SwarmRig, model: ModelServer) -> None:
    model.reply_with(Reply(hold=threading.Event()))
    claim = rig.claim(prompt="hello", max_tokens=100)
    running = rig.in_background(claim)
    model.wait_for_requests(1)
    assert balance(rig) == Balance(reserved=worst(claim))

    rig.cancel(claim)

    assert running.answer().json()["status"] == "cancelled"
    assert balance(rig) == Balance(spent=worst(claim), unsettled=worst(claim))


def test_so_is_one_that_the_kill_switch_abandons(rig: SwarmRig, model: ModelServer) -> None:
    model.reply_with(Reply(hold=threading.Event()))
    claim = rig.claim(prompt="hello", max_tokens=100)
    running = rig.in_background(claim)
    model.wait_for_requests(1)

    rig.home.kill_switch.touch()

    assert running.answer().json()["status"] == "interrupted"
    assert balance(rig) == Balance(spent=worst(claim), unsettled=worst(claim))


def test_a_call_that_was_stopped_before_it_was_sent_costs_nothing(rig: SwarmRig, model: ModelServer) -> None:
    claim = rig.claim(prompt="hello", max_tokens=100)
    rig.cancel(claim)

    assert rig.cycle(claim).json()["status"] == "cancelled"
    assert (balance(rig), model.requests) == (Balance(), [])


def test_what_a_server_overcharges_is_booked_all_the_same(rig: SwarmRig, model: ModelServer) -> None:
    usage = {"prompt_tokens": 100_000, "completion_tokens": 7}
    said = {"choices": [{"message": {"content": "hi"}}], "usage": usage}
    model.reply_with(Reply(body=json.dumps(said)))

    body = rig.cycle(rig.claim(prompt="hello", max_tokens=100)).json()

    assert body["cost_micros"] == 100_070 > body["reserved_micros"]
    assert balance(rig).spent == 100_070


def test_a_free_call_reserves_nothing_and_is_audited(tmp_path: Path, model: ModelServer) -> None:
    with SwarmRig(tmp_path, llm_base_url=model.url, llm_model="m", budget_total_usd=0.0) as rig:
        body = rig.cycle(rig.claim(prompt="hello")).json()

        assert (body["status"], body["cost_micros"], body["reserved_micros"]) == ("completed", 0, None)
        assert audit(rig) == [("model_call", "allowed", 0), ("model_call", "settled", 0)]
        assert rig.store.reader.all("balances", day="any") == []
        assert rig.events("budget.reserved") == []


def test_a_repeat_is_neither_asked_nor_paid_twice(rig: SwarmRig, model: ModelServer) -> None:
    claim = rig.claim(prompt="hello", max_tokens=100)
    first = rig.cycle(claim).json()

    assert rig.cycle(claim).json() == first
    assert balance(rig).spent == first["cost_micros"]
    assert len(rig.events("budget.reserved")) == 1


@pytest.mark.parametrize("prices", [PRICES, {}], ids=["paid", "free"])
def test_paying_costs_no_commit_of_its_own(tmp_path: Path, model: ModelServer, prices: dict) -> None:
    """Swarm commits the start with the reservation, and the outcome with the settlement."""
    with SwarmRig(tmp_path, llm_base_url=model.url, llm_model="m", **prices) as rig:
        rig.cycle(rig.claim(prompt="the first call of a daemon tells that the model answers"))
        claim, store = rig.claim(prompt="hello"), rig.swarm.store
        really, commits = store.writer.run, []

        def run(work: Any, timeout: float | None = None) -> Any:
            commits.append(work)
            return really(work, timeout)

        store.writer.run = run  # type: ignore[method-assign]
        assert rig.cycle(claim).json()["status"] == "completed"
        count = len(commits)

    assert count == 2


# -- what holds a call -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "task", "held_by", "rule"),
    [
        ({"budget_day_usd": 0.001}, {}, "day", "budget-day"),
        ({"budget_total_usd": 0.001}, {}, "total", "budget-total"),
        ({"budget_model_usd": {"m": 0.001}}, {}, "model:m", "budget-model"),
        ({"budget_run_usd": 0.001}, {"run_id": "r"}, "run:r", "budget-run"),
        ({}, {"max_budget": 0.001}, "task:task-1", "budget-task"),
        ({"budget_day_usd": 0.001}, {"max_budget": 0.001}, "task:task-1", "budget-task"),
    ],
)
def test_a_limit_that_cannot_pay_holds_the_call_and_nothing_began(
    tmp_path: Path, model: ModelServer, settings: dict, task: dict, held_by: str, rule: str
) -> None:
    with limited_rig(tmp_path, model, **settings) as rig:
        claim = rig.claim(prompt="hello", max_tokens=100, **task)

        answer = rig.cycle(claim)

        body = answer.json()
        assert (answer.status_code, body["code"], body["held_by"]) == (403, "over_budget", held_by)
        assert body["needs_micros"] == worst(claim)
        assert rig.attempt(claim)["swarm"] is None
        assert (balance(rig), model.requests) == (Balance(), [])
        assert audit(rig) == [("model_call", "blocked", worst(claim))]
        assert records(rig)[0]["rule"] == rule
        while (answer := rig.cycle(claim)).status_code == 403:
            rig.store.top_up(answer.json()["held_by"], worst(claim), "tester")
        assert answer.json()["status"] == "completed"


def test_a_refused_call_tells_its_price_so_that_the_next_is_not_sent(
    tmp_path: Path, model: ModelServer
) -> None:
    with limited_rig(tmp_path, model, budget_day_usd=0.001) as rig:
        claim = rig.claim(prompt="hello", max_tokens=100)
        headroom = Headroom(rig.store.reader, rig.settings)
        messages = Work.of(claim.task).messages
        assert headroom.refusal(claim.task, messages, rig.store.reader.now()) is None

        rig.cycle(claim)

        held = headroom.refusal(claim.task, messages, rig.store.reader.now())
        assert held is not None
        assert (held.held_by, held.needs_micros) == ("day", worst(claim))
        rig.store.top_up("day", 10 * worst(claim), "tester")
        assert headroom.refusal(claim.task, messages, rig.store.reader.now()) is None


def test_a_limit_that_a_person_set_holds_the_next_call_and_one_that_was_cleared_does_not(
    tmp_path: Path, model: ModelServer
) -> None:
    with limited_rig(tmp_path, model, budget_day_usd=100.0) as rig:
        claim = rig.claim(prompt="hello", max_tokens=100)
        rig.store.set_limit("day", 1, "tester", "a holiday")

        held = rig.cycle(claim)

        assert (held.status_code, held.json()["held_by"], model.requests) == (403, "day", [])
        rig.store.clear_limit("day", "tester")
        assert rig.cycle(claim).json()["status"] == "completed"


def test_a_limit_that_does_not_concern_a_call_does_not_hold_it(tmp_path: Path, model: ModelServer) -> None:
    with limited_rig(
        tmp_path, model, budget_model_usd={"other": 0.0}, budget_run_usd=0.0, budget_day_usd=1.0
    ) as rig:
        assert rig.cycle(rig.claim(prompt="hello")).json()["status"] == "completed"


def test_attempts_of_one_task_add_up(rig: SwarmRig, model: ModelServer) -> None:
    claim = rig.claim(prompt="hello", max_tokens=100, max_budget=1.0)
    most = worst(claim)
    model.reply_with(Reply(usage=False))
    rig.cycle(claim, max_budget=most / 1e6)

    again = rig.claim_again(claim)
    refused = rig.cycle(again, max_budget=(2 * most - 1) / 1e6)
    allowed = rig.cycle(again, max_budget=2 * most / 1e6)

    left = f"max budget ${(2 * most - 1) / 1e6:.6f}, of which ${most / 1e6:.6f} is spent"
    assert refused.json()["detail"].endswith(left)
    assert allowed.json()["status"] == "completed"


def test_two_calls_at_once_never_pass_a_limit_together(tmp_path: Path, model: ModelServer) -> None:
    release = threading.Event()
    model.answer = lambda request: Reply(hold=release)
    with limited_rig(tmp_path, model, budget_day_usd=0.01) as rig:
        claims = [rig.claim(prompt=f"hello {number}", max_tokens=100) for number in range(20)]
        fits = 10_000 // worst(claims[10])
        calls = [rig.in_background(claim) for claim in claims]
        model.wait_for_requests(fits)
        # A call that comes after money was given back may rightly pass, so all have to be there together.
        eventually(lambda: refused(rig) + len(model.requests) == len(calls), "all were let in or refused")
        release.set()
        answers = [call.answer() for call in calls]

    assert sum(answer.status_code == 200 for answer in answers) in {fits, fits + 1}
    assert {answer.json().get("held_by") for answer in answers if answer.status_code == 403} == {"day"}


def test_a_price_nobody_knows_is_refused_with_the_way_to_set_it(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    far = {"llm_base_url": "https://models.example/v1", "llm_model": "m"}
    with SwarmRig(tmp_path, **far) as rig:
        refused = rig.cycle(rig.claim(prompt="hello"))
        assert audit(rig) == [("model_call", "blocked", 0)]

    assert (refused.status_code, refused.json()["held_by"]) == (403, "price:m")
    assert "config/models.toml" in refused.json()["waiting_for"]


def test_the_homes_list_names_the_price_and_the_most_the_model_writes(
    tmp_path: Path, model: ModelServer
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "models.toml").write_text(
        '[[model]]\nname = "m"\ninput = 2\noutput = 20\nmax_output = 50'
    )
    with SwarmRig(tmp_path, llm_base_url=model.url, llm_model="m") as rig:
        body = rig.cycle(rig.claim(prompt="hello", max_tokens=1000)).json()

    assert model.requests[0].body["max_tokens"] == 50
    assert body["cost_micros"] == 2 * body["usage"]["prompt_tokens"] + 20 * body["usage"]["completion_tokens"]


def test_a_rate_that_is_used_up_is_a_429_that_says_when(tmp_path: Path, model: ModelServer) -> None:
    with limited_rig(tmp_path, model, rate_requests={"m": 2}) as rig:
        answers = [rig.cycle(rig.claim(prompt="hello")) for _ in range(3)]

        late = answers[2]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert (late.json()["code"], late.json()["held_by"]) == ("rate_limited", "rate:m")
        assert late.json()["waiting_for"] == "rate limit of m (2 requests a minute)"
        assert 0 < late.json()["retry_after_s"] <= 30
        assert 0 < int(late.headers["Retry-After"]) <= 30
        assert audit(rig)[-1][:2] == ("model_call", "blocked")
        assert balance(rig).reserved == 0


def test_a_call_that_a_budget_holds_takes_nothing_of_the_rate(tmp_path: Path, model: ModelServer) -> None:
    with limited_rig(tmp_path, model, rate_requests={"m": 1}) as rig:
        poor = rig.cycle(rig.claim(prompt="hello", max_budget=0.0))
        rich = rig.cycle(rig.claim(prompt="hello"))

    assert (poor.status_code, rich.status_code) == (403, 200)


# -- a plan's call -----------------------------------------------------------------------------------------


def plan(rig: SwarmRig) -> Any:
    (rig.home.workspace / "notes.txt").write_text("what there is to do")
    return rig.client.post("/plan", json={})


def test_a_plan_is_paid_like_everything_else(tmp_path: Path, model: ModelServer) -> None:
    tasks = [{"id": f"t{number}", "description": "do it", "priority": "low"} for number in range(3)]
    model.reply_with(Reply(text=json.dumps(tasks)))
    with limited_rig(tmp_path, model, budget_day_usd=1.0) as rig:
        assert plan(rig).status_code == 200
        assert balance(rig).spent > 0
        assert [row["task_id"] for row in rig.events("budget.settled")] == [None]


def test_a_plan_that_cannot_be_paid_is_refused(tmp_path: Path, model: ModelServer) -> None:
    with limited_rig(tmp_path, model, budget_day_usd=0.0) as rig:
        refused = plan(rig)
        assert (refused.status_code, refused.json()["held_by"], model.requests) == (403, "day", [])
        assert balance(rig) == Balance()


def test_a_plan_that_fails_is_booked_too(tmp_path: Path, model: ModelServer) -> None:
    model.reply_with(Reply(cut_after_chunks=1))
    with limited_rig(tmp_path, model) as rig:
        assert plan(rig).status_code == 502
        assert balance(rig).unsettled == balance(rig).spent > 0


# -- a process that dies -----------------------------------------------------------------------------------


def test_what_a_dead_process_reserved_is_booked_at_the_next_start(tmp_path: Path, model: ModelServer) -> None:
    with contextlib.ExitStack() as stack:
        rig = stack.enter_context(limited_rig(tmp_path, model))
        dead = budgets.Reservation("c1", "t", 1, "m", "another-boot/1/1", [Account("total")], 70)
        rig.store.write(lambda tx: budgets.reserve(tx, dead))
        mine = budgets.Reservation("c2", "t", 1, "m", rig.swarm.executor.process, [Account("total")], 5)
        rig.store.write(lambda tx: budgets.reserve(tx, mine))

        rig.swarm.secure.start_up()

        assert balance(rig) == Balance(spent=70, unsettled=70, reserved=5)
        assert audit(rig) == [("model_call", "unsettled", 70)]
        rig.swarm.secure.start_up()
        assert balance(rig).spent == 70

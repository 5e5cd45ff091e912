"""Tasks that a budget, a rate or a price holds: they wait, ask once, and go when they can be paid."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

import host_platform
from errors import InvalidRequest, NotFound, OverBudget, PriceUnknown
from road.holding import MOST_TASK_QUESTIONS, Holding, look_at
from store import budgets
from store.answering import Answer
from store.budgets import Account, BudgetLimits, Reservation
from store.claims import Claimant
from store.queue_file.apply import Rules, edit_task
from store.records import Claim, Intake
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.durable_runs import DurableRuns
from testing.tasks import new_task

DOLLAR = 1_000_000
MINE = str(host_platform.this_process())


class Home:
    """A store whose worker and swarm are played by the test."""

    def __init__(self, store: SqliteStore, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        self.holding = Holding(store)
        self.who = Claimant("worker-test", host_platform.this_process(), 30.0)

    def limits(self, **micros: Any) -> None:
        self.store.write(lambda tx: budgets.keep_limits(tx, BudgetLimits(**micros)))

    def add(self, *ids: str, **fields: Any) -> None:
        self.store.submit(Intake(new=[new_task(id=name, prompt="x", **fields) for name in ids]), "test")

    def claim(self) -> list[Claim]:
        return self.store.claim(self.who, 5000)

    def hold(self, claim: Claim, held_by: str = "day", needs: int = 120_000) -> None:
        held = OverBudget(held_by=held_by, waiting_for=f"budget {held_by} reached", needs_micros=needs)
        self.holding.hold(claim.ref, held, is_known=False)

    def spend(self, micros: int, scope: str = "day", name: str = "") -> str:
        """Reserve, as a call under way does; the call."""
        account = Account.of_limit(f"{scope}:{name}" if name else scope, self.clock.now())
        call = f"c{self.store.reader.one('last_event_seq')['seq']}"  # type: ignore[index]
        wanted = Reservation(call, None, None, "m", MINE, [account], micros)
        self.store.write(lambda tx: budgets.reserve(tx, wanted))
        return call

    def book(self, call: str, micros: int | None) -> None:
        self.store.write(lambda tx: budgets.book(tx, call, micros))

    def states(self) -> dict[str, str]:
        return {row["id"]: row["state"] for row in self.store.reader.tasks()}

    def waits(self, task: str) -> str | None:
        row = self.store.reader.task(task)
        assert row is not None
        return self.store.reader.waiting_for(row)

    def questions(self) -> list[dict[str, Any]]:
        return [dict(row) | json.loads(row["payload"]) for row in self.store.reader.decisions()]


@pytest.fixture
def home(store: SqliteStore, clock: FakeClock) -> Home:
    return Home(store, clock)


@pytest.fixture
def poor(home: Home) -> Home:
    """Five dollars a day, of which 4.97 are spent."""
    home.limits(day=5 * DOLLAR)
    home.book(home.spend(4_970_000), 4_970_000)
    return home


def test_a_task_that_cannot_be_paid_waits_says_so_and_spends_no_attempt(poor: Home) -> None:
    poor.add("a")
    (claim,) = poor.claim()

    poor.hold(claim)

    row = poor.store.reader.task("a")
    assert row is not None
    assert (row["state"], row["attempts"], row["retries"], row["held_by"]) == ("delayed", 0, 0, "day")
    assert poor.waits("a") == "budget day $5.00 reached (spent $4.97, needs $0.12)"
    assert poor.claim() == []
    events = [row["event"] for row in poor.store.reader.events(task_id="a")]
    assert events == ["task.queued", "task.in_progress", "task.requeue"]
    audit = poor.store.reader.all("audit_after", after=0, limit=9)
    assert [(row["decision"], row["rule"]) for row in audit] == [("blocked", "budget-day")]


def test_a_thousand_tasks_ask_one_question(poor: Home) -> None:
    poor.add(*(f"t{number}" for number in range(1000)))

    for claim in poor.claim():
        poor.hold(claim)
    poor.holding.look()

    (question,) = poor.questions()
    assert (question["kind"], question["limit"], question["task_id"]) == ("budget", "day", None)
    assert json.loads(question["options"]) == ["needed", "more", "no"]
    assert (question["needed_micros"], question["more_micros"]) == (90_000, 5 * DOLLAR)
    assert "budget day $5.00 reached (spent $4.97, needs $0.12)" in question["question"]
    assert set(poor.states().values()) == {"delayed"}


def test_what_was_needed_lets_one_go_and_more_lets_all(poor: Home) -> None:
    poor.add("first", priority=1)
    poor.add("second", "third")
    for claim in poor.claim():
        poor.hold(claim)

    poor.store.approve(poor.questions()[0]["id"], "tester")
    poor.holding.look()

    assert poor.states() == {"first": "ready", "second": "delayed", "third": "delayed"}
    poor.spend(120_000)  # what the first one takes
    poor.holding.look()
    assert poor.questions() == []  # it may turn out cheaper than its worst case
    poor.book("c" + str(_last(poor)), None)
    poor.holding.look()
    (question,) = poor.questions()
    poor.store.answer(Answer(question["id"], "more", "tester"))
    poor.holding.look()
    assert set(poor.states().values()) == {"ready"}


def _last(home: Home) -> int:
    row = home.store.reader.all("all_reserved")[0]
    return int(row["id"][1:])


def test_a_call_that_turns_out_cheaper_lets_who_waits_go_and_nobody_is_asked(home: Home) -> None:
    home.limits(day=DOLLAR)
    under_way = home.spend(900_000)
    home.add("a")
    (claim,) = home.claim()

    home.hold(claim, needs=500_000)
    home.holding.look()
    assert (home.states()["a"], home.questions()) == ("delayed", [])

    home.book(under_way, 100_000)
    home.holding.look()
    assert home.states()["a"] == "ready"


def two_held_of_a_run(home: Home) -> str:
    """A dear and a cheap task held by the budget of their run, and a call under way; the call."""
    rig = DurableRuns(home.store, home.who, str)
    tasks = [{"id": name, "prompt": "x"} for name in ("dear", "mean")]
    rig.start(id="r", policy={"budget_limit": {"amount": 1.0}, "max_parallelism": 2}, tasks=tasks)
    call = home.spend(900_000, "run", "r")
    dear, mean = home.claim()
    home.hold(dear, "run:r", needs=500_000)
    home.hold(mean, "run:r", needs=80_000)
    home.holding.look()
    return call


def test_in_a_run_nobody_overtakes_who_calls_under_way_may_help(home: Home) -> None:
    call = two_held_of_a_run(home)
    assert home.states() == {"r:dear": "delayed", "r:mean": "delayed"}
    assert home.questions() == []

    home.book(call, 480_000)
    home.holding.look()
    assert home.states() == {"r:dear": "ready", "r:mean": "delayed"}


def test_in_a_run_who_can_be_paid_goes_when_only_a_person_can_help_the_other(home: Home) -> None:
    home.book(two_held_of_a_run(home), 900_000)
    home.holding.look()
    assert home.states() == {"r:dear": "delayed", "r:mean": "ready"}
    assert [each["limit"] for each in home.questions()] == ["run:r"]


def test_a_person_is_asked_when_the_calls_under_way_cannot_help_any_more(home: Home) -> None:
    home.limits(day=DOLLAR)
    under_way = home.spend(900_000)
    home.add("a")
    home.hold(home.claim()[0], needs=500_000)

    home.book(under_way, None)
    home.holding.look()

    assert [question["limit"] for question in home.questions()] == ["day"]


def test_no_is_an_answer_that_is_told_and_not_asked_again(poor: Home) -> None:
    poor.add("a", "b")
    first, second = poor.claim()
    poor.hold(first)

    poor.store.reject(poor.questions()[0]["id"], "anna")
    poor.hold(second)
    poor.holding.look()

    said = "budget day $5.00 reached (spent $4.97, needs $0.12); anna said no to more"
    assert poor.waits("a") == said
    assert poor.questions() == []
    assert poor.states() == {"a": "delayed", "b": "delayed"}
    # A top-up by hand takes the no back.
    poor.store.top_up("day", DOLLAR, "anna")
    poor.holding.look()
    assert poor.states() == {"a": "ready", "b": "ready"}


def test_a_top_up_by_hand_closes_the_question(poor: Home) -> None:
    poor.add("a")
    poor.hold(poor.claim()[0])

    poor.store.top_up("day", 50_000, "anna")
    assert poor.questions() == []

    poor.holding.look()  # it was not enough
    assert [question["needed_micros"] for question in poor.questions()] == [40_000]


@pytest.mark.parametrize(
    "moment", ["2026-03-28T23:59:00", "2026-10-24T23:59:00", "2026-12-31T23:59:00"]
)  # the nights of both clock changes, and of a year
def test_a_days_limit_lets_go_at_midnight_on_the_wall(
    home: Home, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    import time

    time.tzset()
    try:
        home.clock.jump(datetime.fromisoformat(moment).timestamp() - home.clock.now())
        home.limits(day=DOLLAR)
        home.book(home.spend(DOLLAR), DOLLAR)
        home.add("a")
        home.hold(home.claim()[0])
        assert len(home.questions()) == 1
        home.clock.advance(59)
        home.holding.look()
        assert home.states()["a"] == "delayed"

        home.clock.advance(timedelta(seconds=2).total_seconds())
        home.holding.look()
    finally:
        monkeypatch.undo()
        time.tzset()

    assert (home.states()["a"], home.questions()) == ("ready", [])


def test_a_limit_that_is_gone_or_higher_holds_nobody(poor: Home) -> None:
    poor.add("a")
    poor.hold(poor.claim()[0])

    poor.limits(day=6 * DOLLAR)
    poor.holding.look()

    assert (poor.states()["a"], poor.questions()) == ("ready", [])


def test_each_limit_asks_for_itself(poor: Home) -> None:
    poor.limits(day=5 * DOLLAR, total=DOLLAR, run=1, models={"m": 1})
    for number, limit in enumerate(("day", "total", "run:r", "model:m", "day", "total")):
        poor.add(f"t{number}")
        poor.hold(poor.claim()[0], limit, needs=6 * DOLLAR)

    assert {question["limit"] for question in poor.questions()} == {"day", "total", "run:r", "model:m"}
    assert len(poor.questions()) == 4


def test_a_task_over_its_own_budget_asks_about_itself(home: Home) -> None:
    home.add("a", max_budget=0.01)
    home.hold(home.claim()[0], "task:a", needs=30_000)

    (question,) = home.questions()
    assert (question["task_id"], question["needed_micros"]) == ("a", 20_000)
    home.store.approve("a", "tester")  # by the task's own id

    assert home.states()["a"] == "ready"
    assert budgets.balance_of(home.store.reader, Account("task", "a")).topped_up == 20_000


def test_tasks_over_their_own_budgets_ask_a_few_at_a_time(home: Home) -> None:
    home.add(*(f"t{number}" for number in range(50)), max_budget=0.01)
    for claim in home.claim():
        home.hold(claim, f"task:{claim.id}", needs=30_000)
    home.holding.look()
    assert len(home.questions()) == MOST_TASK_QUESTIONS

    asked = [question["task_id"] for question in home.questions()]
    home.store.reject(asked[0], "tester")
    home.store.approve(asked[1], "tester")
    home.holding.look()

    again = [question["task_id"] for question in home.questions()]
    assert len(again) == MOST_TASK_QUESTIONS
    assert not {asked[0], asked[1]} & set(again)


def test_an_edit_of_a_held_task_has_it_looked_at_anew(home: Home) -> None:
    home.add("a", max_budget=0.01)
    home.hold(home.claim()[0], "task:a", needs=30_000)
    rules = Rules(home.store.settings.limits, home.store.limits)

    home.store.write(
        lambda tx: edit_task(tx, "a", 1, {"id": "a", "prompt": "x", "max_budget": 5}, "tester", rules)
    )
    home.holding.look()

    assert (home.states()["a"], home.questions()) == ("ready", [])


def test_a_cancelled_task_takes_its_question_with_it(home: Home) -> None:
    home.add("a", max_budget=0.01)
    home.hold(home.claim()[0], "task:a", needs=30_000)

    home.store.cancel("a", "tester")

    assert (home.states()["a"], home.questions()) == ("cancelled", [])


def test_a_price_that_is_unknown_holds_until_the_next_start(home: Home) -> None:
    home.add("a")
    held = PriceUnknown(held_by="price:m", waiting_for="price of m unknown: set it")
    home.holding.hold(home.claim()[0].ref, held, is_known=True)

    home.holding.look()

    assert (home.states()["a"], home.questions()) == ("delayed", [])
    assert home.waits("a") == "price of m unknown: set it"


def test_who_is_held_does_not_count_towards_giving_up_on_a_server(home: Home) -> None:
    home.add("a")
    for _ in range(20):
        home.hold(home.claim()[0], "total")
        home.holding.look()  # there is no such limit, so it goes

    row = home.store.reader.task("a")
    assert row is not None
    assert (row["retries"], row["attempts"]) == (0, 0)


def test_a_dead_process_s_reservation_is_found_and_frees_nothing(home: Home) -> None:
    home.limits(day=DOLLAR)
    dead = Reservation(
        "c", None, None, "m", "another-boot/1/1", [Account.of_limit("day", home.clock.now())], 900_000
    )
    home.store.write(lambda tx: budgets.reserve(tx, dead))
    home.add("a")
    home.hold(home.claim()[0], needs=500_000)

    home.holding.look()
    home.holding.look()

    balance = budgets.balance_of(home.store.reader, Account.of_limit("day", home.clock.now()))
    assert (balance.spent, balance.unsettled, balance.reserved) == (900_000, 900_000, 0)
    assert [question["limit"] for question in home.questions()] == ["day"]


def test_nothing_is_written_while_nothing_can_be_done(poor: Home) -> None:
    poor.add("a")
    poor.hold(poor.claim()[0])
    before = poor.store.reader.one("last_event_seq")["seq"]  # type: ignore[index]

    assert not look_at(poor.store.reader, poor.clock.now())
    poor.holding.look()

    assert poor.store.reader.one("last_event_seq")["seq"] == before  # type: ignore[index]


@pytest.mark.parametrize(
    ("limit", "error", "words"),
    [
        ("total", InvalidRequest, "set budget_total_usd"),
        ("model:m", InvalidRequest, "set budget_model_usd"),
        ("run:r", InvalidRequest, "set budget_run_usd"),
        ("task:a", InvalidRequest, "give a a max_budget"),
        ("task:nobody", NotFound, "nobody"),
        ("week", InvalidRequest, "name one of day, total"),
        ("model", InvalidRequest, "name one of"),
        ("day:monday", InvalidRequest, "name one of"),
    ],
)
def test_more_of_what_is_no_limit_is_refused(poor: Home, limit: str, error: type, words: str) -> None:
    poor.add("a")

    with pytest.raises(error, match=words):
        poor.store.top_up(limit, 1, "tester")


def test_a_top_up_is_told_and_audited(poor: Home) -> None:
    poor.store.top_up("day", 250_000, "anna")

    event = next(row for row in poor.store.reader.events() if row["event"] == "budget.topped_up")
    assert json.loads(event["data"])["added_micros"] == 250_000
    (row,) = poor.store.reader.all("audit_after", after=0, limit=9)
    assert (row["event"], row["decision"], row["actor"]) == ("budget", "topped_up", "anna")


def test_what_was_spent_lately_can_be_asked(poor: Home) -> None:
    poor.clock.advance(120)
    poor.book(poor.spend(9), 7)
    poor.spend(5)  # under way

    assert budgets.spent_since(poor.store.reader, poor.clock.now() - 60) == 7
    assert budgets.spent_since(poor.store.reader, poor.clock.now() - 600) == 4_970_007

"""Token buckets: how full they are, what may be taken, and what that means for tasks that wait."""

from __future__ import annotations

import pytest

from host_platform import boot_id
from settings import Settings
from store import rates
from store.lanes import ConcurrencyLimits, Gate, Head, Room, choose, lane_of
from store.rates import RateLimits, level_at, take, wait_for
from store.sqlite_store import SqliteStore
from store.waiting import Situation, waiting_for
from testing.clock import FakeClock
from testing.tasks import new_task

SIXTY = RateLimits(requests={"m": 60})


def ask(store: SqliteStore, limits: RateLimits = SIXTY, model: str = "m", tokens: int = 1) -> float | None:
    wait = store.write(lambda tx: take(tx, limits, model, tokens))
    return None if wait is None else wait.seconds


def test_a_minutes_worth_at_once_then_one_a_second(store: SqliteStore, clock: FakeClock) -> None:
    assert [ask(store) for _ in range(60)] == [None] * 60
    assert ask(store) == pytest.approx(1.0)
    clock.advance(0.5)
    assert ask(store) == pytest.approx(0.5)
    clock.advance(0.5)
    assert ask(store) is None
    assert ask(store) == pytest.approx(1.0)


def test_a_bucket_never_holds_more_than_a_minutes_worth(store: SqliteStore, clock: FakeClock) -> None:
    assert ask(store) is None
    clock.advance(3600)
    assert [ask(store) for _ in range(60)] == [None] * 60
    assert ask(store) is not None


def test_a_wall_clock_that_jumps_changes_nothing(store: SqliteStore, clock: FakeClock) -> None:
    assert [ask(store) for _ in range(60)] == [None] * 60
    clock.jump(3600)
    assert ask(store) == pytest.approx(1.0)


def test_no_limit_no_wait_and_no_row(store: SqliteStore) -> None:
    assert [ask(store, RateLimits(), "m") for _ in range(5)] == [None] * 5
    assert ask(store, SIXTY, "other") is None
    assert store.reader.all("buckets") == []


def test_a_star_limits_each_other_model_by_itself(store: SqliteStore) -> None:
    limits = RateLimits(requests={"*": 1, "m": 2})

    assert [ask(store, limits, model) is None for model in "mmmaabb"] == [
        True, True, False, True, False, True, False,
    ]  # fmt: skip


def test_tokens_are_put_right_when_it_is_known_what_was_used(store: SqliteStore) -> None:
    limits = RateLimits(tokens={"m": 6000})
    assert ask(store, limits, tokens=6000) is None
    assert ask(store, limits, tokens=3000) == pytest.approx(30.0)

    store.write(lambda tx: rates.correct(tx, limits, "m", 6000, 1000))

    assert ask(store, limits, tokens=3000) is None
    store.write(lambda tx: rates.correct(tx, limits, "m", 3000, 9000))
    assert ask(store, limits, tokens=100) == pytest.approx(41.0)


def test_a_call_larger_than_the_bucket_goes_when_it_is_full(store: SqliteStore, clock: FakeClock) -> None:
    limits = RateLimits(tokens={"m": 600})
    assert ask(store, limits, tokens=900) is None
    assert ask(store, limits, tokens=900) == pytest.approx(90.0)
    clock.advance(90)
    assert ask(store, limits, tokens=900) is None


def test_another_start_of_the_machine_begins_with_full_buckets() -> None:
    row = {"boot": "another", "level": -5.0, "at": 99.0}

    assert level_at(row, 60, 1.0, boot_id()) == 60.0
    assert level_at({**row, "boot": boot_id()}, 60, 100.0, boot_id()) == pytest.approx(-4.0)


def test_a_wait_names_its_limit() -> None:
    wait = wait_for("requests", 0.0, 1.0, 6000)

    assert wait is not None
    assert wait.limit == "6,000 requests a minute"


# -- tasks that wait ---------------------------------------------------------------------------------------


def lane(limits: ConcurrencyLimits, **fields: object) -> str:
    return lane_of(new_task(id="t", prompt="x", **fields).task, limits)


def test_only_models_with_a_rate_have_lanes_of_their_own() -> None:
    some, every = ConcurrencyLimits(rated=frozenset({"m"})), ConcurrencyLimits(rated=frozenset({"*"}))

    assert lane(ConcurrencyLimits(), model="m") == "llm"
    assert [lane(some, model=model) for model in ("m", "other", None)] == ["llm|rate:m", "llm", "llm|rate:"]
    assert lane(every, model="a|alone") == "llm|rate:a%7Calone"
    assert ConcurrencyLimits.from_json(some.as_json()) == some
    assert ConcurrencyLimits.from_json('[{"gpu": 1}, {}]') == ConcurrencyLimits({"gpu": 1}, {})


def test_a_model_without_room_lets_the_others_overtake() -> None:
    heads = [Head("llm|rate:m", 9, 1), Head("llm|rate:", 5, 2), Head("llm", 0, 3)]
    gate = Gate(rooms={"m": Room(0, "60 requests a minute", 5.0)}, default_model="other")

    assert choose(heads, [], gate, ConcurrencyLimits()) == "llm|rate:"
    assert gate.next_opening == 5.0
    same = Gate(rooms=gate.rooms, default_model="m")
    assert choose(heads, [], same, ConcurrencyLimits()) == "llm"


def test_a_claim_takes_of_the_room_that_is_left() -> None:
    gate = Gate(rooms={"m": Room(1, "60 requests a minute", 5.0)})

    after = gate.after_claim("llm|rate:m")

    assert choose([Head("llm|rate:m", 0, 1)], [], after, ConcurrencyLimits()) is None
    assert gate.after_claim("llm") is gate


def test_the_room_is_that_of_the_tightest_limit(store: SqliteStore, clock: FakeClock) -> None:
    limits = RateLimits(requests={"m": 60}, tokens={"m": 1000})
    ask(store, limits, tokens=400)

    room = rates.rooms(store.reader.all("buckets"), limits, clock)["m"]

    assert (room.calls, room.limit) == (1, "1,000 tokens a minute")
    ask(store, limits, tokens=400)
    room = rates.rooms(store.reader.all("buckets"), limits, clock)["m"]
    assert room.calls == 0
    assert room.opens_at == pytest.approx(clock.now() + 12.0)


def test_the_settings_say_which_models_have_a_rate() -> None:
    settings = Settings(rate_requests={"a": 1}, rate_tokens={"*": 5})

    assert ConcurrencyLimits.of_settings(settings).rated == frozenset({"a", "*"})


def test_a_task_says_which_rate_it_waits_for_and_the_view_only_what_lasts() -> None:
    gate = Gate(rooms={"m": Room(0, "60 requests a minute", 0.0)}, default_model="m")
    row = {"state": "ready", "lane": "llm|rate:"}

    told = waiting_for(row, [], None, Situation(gate))  # type: ignore[arg-type]
    written = waiting_for(row, [], None, Situation(gate.lasting()))  # type: ignore[arg-type]

    assert told is not None
    assert told.startswith("rate limit of m (60 requests a minute); next try at 1970-01-01 ")
    assert written == "a free slot, within the rate of m"

"""Schedules and delayed tasks: when they start, what is made up for, and what clocks that jump may not do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clock import to_local
from settings import Home, Settings
from store.intake import next_firing
from store.records import Intake
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.tasks import new_task
from tests.conformance.store_suite import approve, fail

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def in_utc(zone) -> None:
    zone("UTC")


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def open_store(root: Path, clock: FakeClock) -> SqliteStore:
    return SqliteStore(Home(root), Settings(), clock)


def submit(store, *tasks) -> None:
    store.submit(Intake(new=list(tasks)), "test")


def occurrences(store, schedule: str = "s") -> list[str]:
    return [row["id"] for row in store.reader.tasks() if row["id"].startswith(f"{schedule}.")]


def events(store, kind: str) -> list:
    return [row for row in store.reader.events() if row["event"] == kind]


def ids(claims) -> list[str]:
    return [claim.id for claim in claims]


# -- delayed tasks -------------------------------------------------------------------------------------------


def test_a_delayed_task_starts_at_its_time_and_not_before(store, clock, who):
    submit(store, new_task(id="a", not_before=clock.now() + 10))
    assert store.promote_due() == 0
    assert store.claim(who, 5) == []
    assert "its time, " in store.reader.waiting_for(store.reader.task("a"))
    clock.advance(9.5)
    assert store.promote_due() == 0
    clock.advance(0.5)
    assert store.promote_due() == 1
    assert ids(store.claim(who, 5)) == ["a"]


def test_a_time_that_has_passed_holds_nothing(store, clock, who):
    submit(store, new_task(id="a", not_before=clock.now()), new_task(id="b", not_before=1))
    assert ids(store.claim(who, 5)) == ["a", "b"]


def test_a_delayed_dependant_waits_for_both_its_parent_and_its_time(store, clock, who):
    submit(store, new_task(id="a"), new_task(id="b", depends_on=["a"], not_before=clock.now() + 10))
    (claim,) = store.claim(who, 5)
    approve(store, claim)
    assert store.claim(who, 5) == []
    clock.advance(10)
    store.promote_due()
    assert ids(store.claim(who, 5)) == ["b"]


def test_a_wall_clock_set_forward_lets_a_delayed_task_go_once(store, clock, who):
    submit(store, new_task(id="a", not_before=clock.now() + HOUR))
    clock.jump(2 * HOUR)
    assert store.promote_due() == 1
    assert ids(store.claim(who, 5)) == ["a"]
    clock.jump(-2 * HOUR)
    assert store.promote_due() == 0
    assert store.claim(who, 5) == []


def test_many_due_tasks_are_all_let_go(store, clock):
    submit(store, *(new_task(id=f"t{number}", not_before=clock.now() + 1) for number in range(1500)))
    clock.advance(1)
    promoted = 0
    while found := store.promote_due():
        promoted += found
    assert promoted == 1500
    assert store.reader.state_counts() == {"ready": 1500}


# -- schedules -----------------------------------------------------------------------------------------------


def test_a_schedule_fires_a_task_of_its_own_and_is_never_claimed_itself(store, clock, who, in_utc):
    clock.jump(utc("2027-03-01T08:59:00") - clock.now())
    submit(store, new_task(id="s", every="0 9 * * *", priority=3, tags=["x"], command="echo hi"))
    assert store.claim(who, 5) == []
    assert "its next firing at" in store.reader.waiting_for(store.reader.task("s"))
    clock.advance(MINUTE)
    store.promote_due()
    (claim,) = store.claim(who, 5)
    assert claim.id == "s.20270301T090000Z"
    assert (claim.task.command, claim.task.priority, claim.task.tags) == ("echo hi", 3, ["x"])
    assert (claim.task.every, claim.task.not_before) == (None, None)
    assert store.reader.task("s")["not_before"] == utc("2027-03-02T09:00:00")
    assert [event["task_id"] for event in events(store, "schedule.fired")] == ["s"]


def test_firings_that_were_missed_are_made_up_for_once(store, clock, who, in_utc):
    clock.jump(utc("2027-03-01T08:00:00") - clock.now())
    submit(store, new_task(id="s", every="*/5 * * * *"))
    clock.advance(DAY)
    for _ in range(3):
        store.promote_due()
    assert occurrences(store) == ["s.20270301T080500Z"]
    assert store.reader.task("s")["not_before"] == utc("2027-03-02T08:05:00")


def test_a_firing_is_skipped_while_the_last_occurrence_is_open_whatever_holds_it(store, clock, who, in_utc):
    claim = None
    submit(store, new_task(id="s", every="*/5 * * * *"))
    clock.advance(5 * MINUTE)
    store.promote_due()
    for number in range(1, 4):
        clock.advance(5 * MINUTE)
        if number == 2:
            (claim,) = store.claim(who, 5)
        store.promote_due()
        assert len(occurrences(store)) == 1
        assert len(events(store, "schedule.skipped")) == number
    assert claim is not None
    approve(store, claim)
    clock.advance(5 * MINUTE)
    store.promote_due()
    assert len(occurrences(store)) == 2


def test_an_occurrence_that_failed_does_not_stop_the_schedule(store, clock, who, in_utc):
    submit(store, new_task(id="s", every="*/5 * * * *"))
    for number in range(1, 4):
        clock.advance(5 * MINUTE)
        store.promote_due()
        (claim,) = store.claim(who, 5)
        fail(store, claim)
        assert len(occurrences(store)) == number
    assert events(store, "schedule.skipped") == []


def test_a_schedule_is_not_held_up_by_one_whose_name_begins_with_its_own(store, clock, in_utc):
    """`day` and `day.report` are two schedules: an open occurrence of one says nothing of the other."""
    submit(store, new_task(id="day.report", every="*/5 * * * *"), new_task(id="day", every="*/10 * * * *"))
    clock.advance(5 * MINUTE)
    store.promote_due()
    clock.advance(5 * MINUTE)
    store.promote_due()
    fired = {event["task_id"] for event in events(store, "schedule.fired")}
    assert fired == {"day.report", "day"}


def test_long_names_that_begin_alike_are_kept_apart_and_skipping_works_for_them(store, clock, in_utc):
    one, two = f"{'s' * 127}1", f"{'s' * 127}2"
    submit(store, new_task(id=one, every="*/5 * * * *"), new_task(id=two, every="*/5 * * * *"))
    for _ in range(2):
        clock.advance(5 * MINUTE)
        store.promote_due()
    assert [event["task_id"] for event in events(store, "schedule.fired")] == [one, two]
    assert [event["task_id"] for event in events(store, "schedule.skipped")] == [one, two]
    made = [row["id"] for row in store.reader.tasks() if row["every"] is None]
    assert len(set(made)) == 2
    assert max(map(len, made)) == 128


def test_a_schedule_that_waits_for_a_task_first_fires_when_that_is_approved(store, clock, who, in_utc):
    submit(store, new_task(id="a"), new_task(id="s", every="*/5 * * * *", depends_on=["a"]))
    clock.advance(HOUR)
    assert store.promote_due() == 0
    (claim,) = store.claim(who, 5)
    approve(store, claim)
    store.promote_due()
    assert len(occurrences(store)) == 1


def test_a_cancelled_schedule_fires_no_more_and_fires_again_once_it_is_sent_back(store, clock, in_utc):
    submit(store, new_task(id="s", every="*/5 * * * *"))
    store.cancel("s", "me")
    clock.advance(HOUR)
    assert store.promote_due() == 0
    store.retry("s", "me")
    assert store.reader.task("s")["state"] == "delayed"
    store.promote_due()
    assert len(occurrences(store)) == 1


def test_a_clock_set_back_fires_nothing_twice(store, clock, who, in_utc):
    clock.jump(utc("2027-03-01T08:59:59") - clock.now())
    submit(store, new_task(id="s", every="0 9 * * *"))
    clock.advance(1)
    store.promote_due()
    (claim,) = store.claim(who, 5)
    approve(store, claim)
    clock.jump(-HOUR)
    store.promote_due()
    clock.advance(HOUR)
    store.promote_due()
    assert occurrences(store) == ["s.20270301T090000Z"]


def test_a_clock_set_forward_over_many_firings_fires_once(store, clock, in_utc):
    submit(store, new_task(id="s", every="*/5 * * * *"))
    clock.jump(30 * DAY)
    store.promote_due()
    store.promote_due()
    assert len(occurrences(store)) == 1


def test_firing_twice_at_one_moment_from_two_processes_makes_one_task(tmp_path, in_utc):
    clock = FakeClock()
    with open_store(tmp_path, clock) as one, open_store(tmp_path, clock) as two:
        submit(one, new_task(id="s", every="*/5 * * * *"))
        clock.advance(5 * MINUTE)
        one.promote_due()
        two.promote_due()
        assert len(occurrences(one)) == 1


@pytest.mark.parametrize(
    ("not_before", "first"),
    [
        ("2027-03-01T09:07:00", "s.20270301T091000Z"),
        ("2027-03-01T09:10:00", "s.20270301T091000Z"),
        ("2027-03-01T09:10:01", "s.20270301T091500Z"),
        ("2027-02-01T00:00:00", "s.20270301T090500Z"),
    ],
)
def test_a_schedule_fires_first_at_its_first_time_from_not_before_on(store, clock, in_utc, not_before, first):
    clock.jump(utc("2027-03-01T09:00:30") - clock.now())
    submit(store, new_task(id="s", every="*/5 * * * *", not_before=utc(not_before)))

    made = []
    for _ in range(20):
        clock.jump(MINUTE)
        store.promote_due()
        made = occurrences(store)
        if made:
            break

    assert made == [first]


# -- summer time ---------------------------------------------------------------------------------------------


def firings(every: str, start: str, end: str) -> list[str]:
    moment, told = utc(start), []
    while (moment := next_firing(every, moment)) <= utc(end):
        told.append(datetime.fromtimestamp(moment, UTC).strftime("%dT%H:%M"))
    return told


@pytest.mark.parametrize(
    ("every", "start", "end", "expected"),
    [
        # Berlin goes to summer time on 28 March 2027 at 01:00 UTC and back on 31 October at 01:00 UTC.
        ("0 9 * * *", "2027-03-27T00:00", "2027-03-30T00:00", ["27T08:00", "28T07:00", "29T07:00"]),
        ("0 9 * * *", "2027-10-30T00:00", "2027-11-02T00:00", ["30T07:00", "31T08:00", "01T08:00"]),
        # A time that does not exist that day is made up for, one that comes twice is taken once.
        ("30 2 * * *", "2027-03-27T12:00", "2027-03-29T12:00", ["28T01:00", "29T00:30"]),
        ("30 2 * * *", "2027-10-30T12:00", "2027-11-01T12:00", ["31T00:30", "01T01:30"]),
        # Every hour is every hour, also through the one that comes twice.
        ("0 * * * *", "2027-03-27T23:30", "2027-03-28T02:30", ["28T00:00", "28T01:00", "28T02:00"]),
        ("0 * * * *", "2027-10-30T23:30", "2027-10-31T02:30", ["31T00:00", "31T01:00", "31T02:00"]),
        ("*/30 * * * *", "2027-10-31T00:10", "2027-10-31T01:40", ["31T00:30", "31T01:00", "31T01:30"]),
    ],
)
def test_cron_runs_on_the_wall_clock_through_the_changes_of_summer_time(zone, every, start, end, expected):
    zone("Europe/Berlin")
    assert firings(every, start, end) == expected


def test_every_firing_of_the_hour_that_comes_twice_is_a_task_of_its_own(tmp_path, zone, who):
    zone("Europe/Berlin")
    clock = FakeClock(wall=utc("2027-10-31T00:10:00"))
    with open_store(tmp_path, clock) as store:
        submit(store, new_task(id="s", every="*/30 * * * *"))
        for _ in range(4):
            clock.advance(30 * MINUTE)
            store.promote_due()
            (claim,) = store.claim(who, 5)
            approve(store, claim)
        assert len(occurrences(store)) == 4


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
)
def test_local_time_goes_there_and_back_through_a_whole_year(zone, name):
    zone(name)
    moment = utc("2027-01-01T00:00")
    for _ in range(366 * 4):
        moment += 6 * HOUR + 7 * MINUTE
        local = to_local(moment)
        assert local.timestamp() == moment
        assert local.replace(tzinfo=None) == datetime(*time.localtime(moment)[:6])  # noqa: DTZ001  local on purpose

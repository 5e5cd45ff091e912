"""What a person does to schedules and delayed tasks: run now, skip the next, stop; each told and audited."""

from __future__ import annotations

import json

import pytest

from clock import to_rfc3339
from errors import InvalidRequest, NotFound, TransitionNotAllowed
from store import timetable
from testing.tasks import new_task
from tests.conformance.store_suite import approve
from tests.integration.test_store_schedules import *  # noqa: F403  the fixtures
from tests.integration.test_store_schedules import DAY, HOUR, events, ids, occurrences, submit


def due(store, task_id: str) -> float:
    return store.reader.task(task_id)["not_before"]


def audited(store) -> list[tuple[str, str]]:
    rows = store.reader.connection.execute("SELECT task_id, data FROM audit WHERE event = 'schedule'")
    return [(row["task_id"], json.loads(row["data"])["action"]) for row in rows]


def test_a_schedule_runs_now_and_its_own_times_stay(store, clock, who):
    submit(store, new_task(id="s", every="0 3 * * *"))
    at = due(store, "s")

    told = store.run_now("s", "ana")

    (claim,) = store.claim(who, 5)
    assert claim.id in told
    assert occurrences(store) == [claim.id]
    assert due(store, "s") == at
    assert [json.loads(row["data"])["source"] for row in events(store, "schedule.fired")] == ["ana"]
    assert audited(store) == [("s", "run")]


def test_a_schedule_whose_last_run_is_open_does_not_run_beside_it(store, clock, who):
    submit(store, new_task(id="s", every="0 3 * * *"))
    store.run_now("s", "ana")
    clock.advance(5)

    with pytest.raises(TransitionNotAllowed, match="has not ended"):
        store.run_now("s", "ana")

    (claim,) = store.claim(who, 5)
    approve(store, claim)
    store.run_now("s", "ana")
    assert len(occurrences(store)) == 2


def test_the_same_second_holds_one_run(store, clock, who):
    submit(store, new_task(id="s", every="0 3 * * *"))
    store.run_now("s", "ana")
    (claim,) = store.claim(who, 5)
    approve(store, claim)

    with pytest.raises(TransitionNotAllowed, match="this very second"):
        store.run_now("s", "ana")


def test_the_next_time_is_skipped_and_the_one_after_fires(store, clock, who):
    submit(store, new_task(id="s", every="0 * * * *"))
    first = due(store, "s")

    store.skip_next("s", "ana", to_rfc3339(first))

    assert due(store, "s") == first + HOUR
    clock.advance(first - clock.now() + 1)
    store.promote_due()
    assert occurrences(store) == []
    clock.advance(HOUR)
    store.promote_due()
    assert len(occurrences(store)) == 1
    (skipped,) = events(store, "schedule.skipped")
    assert "ana skipped this time" in skipped["data"]
    assert audited(store) == [("s", "skip")]


def test_what_was_missed_is_skipped_up_to_now(store, clock):
    submit(store, new_task(id="s", every="0 3 * * *"))
    clock.advance(10 * DAY)

    store.skip_next("s", "ana")

    assert due(store, "s") > clock.now()


def test_only_the_time_that_was_seen_is_skipped(store, clock):
    submit(store, new_task(id="s", every="0 * * * *"))
    seen = due(store, "s")
    store.skip_next("s", "ana", to_rfc3339(seen))

    with pytest.raises(TransitionNotAllowed, match="look again"):
        store.skip_next("s", "bob", to_rfc3339(seen))
    assert due(store, "s") == seen + HOUR


def test_a_schedule_is_stopped_and_what_it_started_goes_on(store, clock, who):
    submit(store, new_task(id="s", every="0 3 * * *"))
    store.run_now("s", "ana")

    told = store.stop_schedule("s", "ana", "not needed any more")

    assert "goes on" in told
    assert store.reader.task("s")["state"] == "cancelled"
    assert store.reader.task("s")["reason"] == "not needed any more"
    assert [claim.id for claim in store.claim(who, 5)] == occurrences(store)
    assert audited(store) == [("s", "run"), ("s", "stop")]


def test_a_delayed_task_is_let_go_before_its_time(store, clock, who):
    submit(store, new_task(id="a", not_before=clock.now() + DAY))

    store.run_now("a", "ana")

    assert ids(store.claim(who, 5)) == ["a"]
    (told,) = events(store, "task.brought_forward")
    assert (told["task_id"], told["status"]) == ("a", "queued")


def test_what_waits_for_no_time_is_refused_and_says_what_it_waits_for(store, clock, who):
    submit(store, new_task(id="a"), new_task(id="b", depends_on=["a"]), new_task(id="c", not_before=9e9))

    for task_id, error, words in (
        ("a", TransitionNotAllowed, "is pending, and waits for no time"),
        ("b", TransitionNotAllowed, "waits for other tasks"),
        ("nobody", NotFound, "nobody"),
    ):
        with pytest.raises(error, match=words):
            store.run_now(task_id, "ana")
    with pytest.raises(InvalidRequest, match="runs once"):
        store.skip_next("c", "ana")
    assert audited(store) == []


def test_times_are_told_in_plain_english(in_utc, store, clock):
    assert timetable.in_words("0 3 * * *") == "every day at 03:00"
    assert timetable.in_words("*/5 * * * *") == "every fifth minute of every hour"
    assert timetable.in_words("0 9 * * 1-5") == "on Monday through Friday at 09:00"
    submit(store, new_task(id="s", every="0 3 * * *", prompt="word " * 100))

    (told,) = timetable.schedules(store.reader, 9)

    assert len(told["next"]) == timetable.TIMES_TOLD
    assert {moment[11:19] for moment in told["next"]} == {"03:00:00"}
    assert len(told["work"]) == timetable.WORDS_CHARS


def test_a_calendar_that_ends_has_fewer_times(in_utc):
    assert len(timetable.next_times("0 0 29 2 *", 0.0, 3)) == 3


def test_delayed_tasks_come_in_the_order_of_their_times_page_by_page(store, clock):
    submit(store, *(new_task(id=f"t{n}", not_before=clock.now() + 100 - n // 2) for n in range(9)))
    submit(store, new_task(id="s", every="0 3 * * *"))

    seen, place = [], (-1.0, 0)
    while page := timetable.delayed(store.reader, 2, place):
        seen += [row["id"] for row in page]
        place = (page[-1]["at"], page[-1]["seq"])

    assert seen == ["t8", "t6", "t7", "t4", "t5", "t2", "t3", "t0", "t1"]

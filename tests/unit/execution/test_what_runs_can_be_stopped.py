"""The set of what runs: one execution a lease, and a stop that is never lost."""

from __future__ import annotations

import threading

from execution.running import REMEMBERED, RunningSet
from store.records import TaskRef

REF = TaskRef("t", 1)


def test_a_lease_is_executed_once_at_a_time() -> None:
    running = RunningSet()
    first = running.begin(REF, "llm", 0.0)

    assert first is not None
    assert running.begin(REF, "llm", 0.0) is None
    assert running.begin(TaskRef("t", 2), "llm", 0.0) is not None
    running.end(first)
    assert running.begin(REF, "llm", 0.0) is not None


def test_a_stop_reaches_what_says_later_how_it_is_stopped() -> None:
    running, told = RunningSet(), []
    one = running.begin(REF, "llm", 0.0)
    assert one is not None

    assert running.cancel(REF) is True
    one.on_stop(lambda: told.append("stopped"))

    assert (told, one.stopped) == (["stopped"], "cancelled")


def test_the_first_reason_to_stop_stands() -> None:
    running = RunningSet()
    one = running.begin(REF, "llm", 0.0)
    assert one is not None

    running.cancel(REF)
    running.stop_all("stopping")

    assert one.stopped == "cancelled"


def test_the_kill_switch_stops_all_that_runs_and_nothing_that_comes_later() -> None:
    running = RunningSet()
    one, two = running.begin(REF, "llm", 0.0), running.begin(TaskRef("u", 1), "local", 0.0)
    assert one is not None
    assert two is not None

    stop = running.stopping("halted")
    later = running.begin(TaskRef("v", 1), "local", 0.0)
    stop()

    assert (one.stopped, two.stopped, later and later.stopped) == ("halted", "halted", None)


def test_who_waits_for_something_to_run_is_woken_by_it() -> None:
    running, found = RunningSet(), []
    assert running.wait_until_busy(0.0) is False
    waiting = threading.Thread(target=lambda: found.append(running.wait_until_busy(60.0)))
    waiting.start()

    running.begin(REF, "llm", 0.0)
    waiting.join(60)

    assert found == [True]


def test_a_cancellation_that_comes_first_meets_its_call_once() -> None:
    running = RunningSet()
    running.remember_cancelled(REF)

    first = running.begin(REF, "llm", 0.0)
    assert first is not None
    running.end(first)
    again = running.begin(REF, "llm", 0.0)

    assert (first.stopped, again and again.stopped) == ("cancelled", None)


def test_remembered_cancellations_are_bounded() -> None:
    running = RunningSet()
    for number in range(REMEMBERED + 5):
        running.remember_cancelled(TaskRef("t", number))

    forgotten, known = running.begin(TaskRef("t", 0), "llm", 0.0), running.begin(TaskRef("t", 5), "llm", 0.0)

    assert (forgotten and forgotten.stopped, known and known.stopped) == (None, "cancelled")


def test_after_closing_everything_is_stopped_before_it_starts() -> None:
    running = RunningSet()
    running.close()

    one = running.begin(REF, "local", 0.0)

    assert one is not None
    assert one.stopped == "stopping"
    assert running.wait_until_empty(0.0) is False
    running.end(one)
    assert running.wait_until_empty(0.0) is True

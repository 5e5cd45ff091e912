"""Which thread answers: the one that fell asleep last, and another where that one is busy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localhost.dispatching import Dispatcher

PATIENCE_S = 10


class Request:
    """What waitress hands to a thread."""

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self._work = work
        self.by = ""
        self.done = threading.Event()

    def service(self) -> None:
        self.by = threading.current_thread().name
        self._work()
        self.done.set()

    def cancel(self) -> None:
        """Nobody gets to it."""

    def wait(self) -> str:
        assert self.done.wait(PATIENCE_S)
        return self.by


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    made = Dispatcher(4)
    yield made
    made.shutdown(timeout=PATIENCE_S)
    assert not made.threads


def all_asleep(dispatcher: Dispatcher) -> None:
    """Wait until no thread is under way."""
    for _ in range(PATIENCE_S * 1000):
        with dispatcher.lock:
            if dispatcher.active_count == 0:
                return
        threading.Event().wait(0.001)
    raise AssertionError("a thread does not go to sleep")


def hand_over(dispatcher: Dispatcher, *requests: Request) -> None:
    give: Callable[[Any], None] = dispatcher.add_task
    for each in requests:
        give(each)


def ask(dispatcher: Dispatcher) -> str:
    all_asleep(dispatcher)
    request = Request()
    hand_over(dispatcher, request)
    return request.wait()


def test_requests_one_after_another_are_answered_by_the_same_thread(dispatcher: Dispatcher) -> None:
    assert len({ask(dispatcher) for _ in range(20)}) == 1


def test_a_thread_that_is_busy_keeps_nobody_waiting(dispatcher: Dispatcher) -> None:
    go_on = threading.Event()
    busy = [Request(lambda: go_on.wait(PATIENCE_S)) for _ in range(3)]
    quick = Request()
    hand_over(dispatcher, *busy, quick)
    by = quick.wait()
    go_on.set()
    assert by not in {each.wait() for each in busy}


def test_every_thread_answers_where_all_are_needed(dispatcher: Dispatcher) -> None:
    together = threading.Barrier(4)
    requests = [Request(lambda: together.wait(PATIENCE_S)) for _ in range(4)]
    hand_over(dispatcher, *requests)
    assert len({each.wait() for each in requests}) == 4

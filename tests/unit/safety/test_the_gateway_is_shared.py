"""A long check holds up nobody: neither what is checked beside it, nor by its length."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from redaction import Redacted, redact
from runtime_contract import Task
from safety.gateway import LONG_CHARS, SafetyGateway
from safety.long_texts import GivenUp
from settings import Home, Settings

PATIENCE_S = 30.0
LONG = "bees " * (LONG_CHARS // 5 + 1)


def prompt(text: str) -> Task:
    return Task(id="t1", mode="llm", prompt=text)


class Held:
    """A step of a check that waits, for long texts, until it may go on."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Event()
        self.seen: list[str] = []

    def __call__(self, text: str) -> Redacted:
        self.seen.append(text)
        if len(text) > LONG_CHARS:
            self.begun.release()
            assert self.may_go_on.wait(PATIENCE_S)
        return redact(text)


@contextmanager
def checking(gateway: SafetyGateway, held: Held, count: int) -> Iterator[list[Future[bool]]]:
    """While so many long texts are checked, each in a thread of its own."""
    with ThreadPoolExecutor(count) as pool:
        checks = [
            pool.submit(lambda: gateway.pre_execute_safety_check(prompt(LONG))[0]) for _ in range(count)
        ]
        assert held.begun.acquire(timeout=PATIENCE_S)
        try:
            yield checks
        finally:
            held.may_go_on.set()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    step = Held()
    monkeypatch.setattr("safety.examination.redact", step)
    return step


def test_a_short_text_does_not_wait_for_a_long_one(tmp_path: Path, held: Held) -> None:
    gateway = SafetyGateway(Home(tmp_path), Settings())

    with checking(gateway, held, 1) as (long,), ThreadPoolExecutor(1) as pool:
        short = pool.submit(lambda: gateway.pre_execute_safety_check(prompt("Say bees."))[0])
        assert short.result(PATIENCE_S / 3)
        assert not long.done()
    assert long.result(PATIENCE_S)


def test_long_texts_are_checked_one_after_the_other(tmp_path: Path, held: Held) -> None:
    gateway = SafetyGateway(Home(tmp_path), Settings())

    with checking(gateway, held, 3) as checks:
        assert not held.begun.acquire(timeout=0.2)  # no other has begun
    assert all(each.result(PATIENCE_S) for each in checks)


def test_what_runs_beside_a_check_does_not_make_it_slow(tmp_path: Path, held: Held) -> None:
    gateway = SafetyGateway(Home(tmp_path), Settings(safety_timeout_s=0.2))
    gateway.pre_execute_safety_check(prompt("Say bees."))  # what is read and built but once

    with checking(gateway, held, 1) as (long,):
        long_wait = threading.Event().wait(0.3)  # of a processor it takes nothing
    assert long_wait is False
    assert long.result(PATIENCE_S)


def test_who_waits_for_a_long_text_may_give_it_up_while_it_is_checked_and_before(
    tmp_path: Path, held: Held
) -> None:
    gateway = SafetyGateway(Home(tmp_path), Settings())
    is_over = threading.Event()

    def examine(text: str) -> str:
        try:
            gateway.pre_execute_safety_check(prompt(text), is_over=is_over.is_set)
        except GivenUp:
            return "given up"
        return "checked"

    with ThreadPoolExecutor(2) as pool:
        begun = pool.submit(examine, LONG)
        assert held.begun.acquire(timeout=PATIENCE_S)
        waiting = pool.submit(examine, f"{LONG} again")
        is_over.set()
        assert {begun.result(PATIENCE_S), waiting.result(PATIENCE_S)} == {"given up"}
        is_over.clear()
        held.may_go_on.set()
        assert gateway.pre_execute_safety_check(prompt(LONG))[0], "the next is checked as ever"
    assert not any("again" in text for text in held.seen), "what nobody waited for was not begun"

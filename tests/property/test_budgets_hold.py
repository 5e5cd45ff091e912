"""Nobody can spend more than the limits, whoever calls at the same time and whoever is killed while calling.

Several processes with many threads each call a model through the wrapper, over one home and real HTTP; they
are killed at random and started again, while a reader looks whether any account ever holds more than its
limit. In the end the books are held against each other, and against what the server knows it answered.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import random
import signal
import sqlite3
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import host_platform
from cost.budget_enforcer import Payer
from cost.cost_calculator import Bill
from cost.model_catalog import ModelCatalog
from errors import CallHeld, ModelError
from llm.contracts import Call
from llm.discovery import ModelStatus, find_model, make_client
from safety.model_call import ModelCall, Wishes
from safety.secure_api import SecureAPIWrapper
from safety.work import Approved, Work
from settings import Home, Settings
from store import budgets, database
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.model_script import ModelRequest, Reply
from testing.model_server import ModelServer
from testing.model_wire import words
from testing.tasks import new_task

PROCESSES, THREADS = 3, 12
LIMITS: dict[str, Any] = {
    "llm_model": "m", "llm_price_input": 1.0, "llm_price_output": 10.0, "llm_max_tokens": 50,
    "budget_day_usd": 0.25, "budget_total_usd": 0.2, "budget_run_usd": 0.08, "budget_model_usd": {"m": 0.22},
}  # fmt: skip
#: dollars, of each of a few tasks
TASK_BUDGET = 0.03


class OneModel:
    """The model of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._status: ModelStatus = find_model(settings)
        self._client = make_client(settings, self._status)

    def client(self) -> Any:
        return self._client, self._status


def approved(prompt: str) -> Approved:
    return Approved(messages=Work.of(new_task(id="t", prompt=prompt).task).messages)


def spend(root: Path, url: str, seed: int) -> None:
    """Call until nothing can be paid any more, or until killed."""
    settings = Settings.model_validate({**LIMITS, "llm_base_url": url})
    owner = str(host_platform.this_process())
    with SqliteStore(Home(root), settings) as store:
        wrapper = SecureAPIWrapper(store, settings, ModelCatalog(settings, []), OneModel(settings), owner)
        wrapper.start_up()
        threads = [
            threading.Thread(target=_spend, args=(store, wrapper, random.Random(seed * 1000 + number)))
            for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _spend(store: SqliteStore, wrapper: SecureAPIWrapper, chance: random.Random) -> None:
    refused = 0
    while refused < 20:
        payer = Payer(
            f"t{chance.randrange(12)}", chance.choice(["r1", "r2", "r3", None]), round(TASK_BUDGET * 1e6)
        )
        prompt = "word " * chance.randrange(1, 40) + chance.choice(
            ["", "", "[[no-usage]]", "[[cut]]", "[[status: 500]]", "[[status: 429]]"]
        )
        call = wrapper.prepare(approved(prompt), Wishes(), payer)
        try:
            wrapper.let_through(call)
        except CallHeld:
            refused += 1
            continue
        with contextlib.suppress(ModelError):
            wrapper.ask(call, lambda _: None, Call())
        settle(store, wrapper, call)


def settle(store: SqliteStore, wrapper: SecureAPIWrapper, call: ModelCall) -> None:
    store.write(lambda tx: wrapper.settle(tx, call))


class Truth:
    """What the server knows: the cost of every answer it gave or began to."""

    def __init__(self) -> None:
        self.micros = 0
        self._lock = threading.Lock()

    def note(self, request: ModelRequest, reply: Reply) -> None:
        if reply.status == 200:
            with self._lock:
                self.micros += words(request.prompt) + 10 * words(reply.text)


class Watcher:
    """Looks again and again whether an account holds more than its limit."""

    def __init__(self, path: Path) -> None:
        self.looks = 0
        self.broken: list[tuple[Any, ...]] = []
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        with contextlib.closing(database.open_reader(self._path)) as reader:
            while not self._stop.wait(0.002):
                self.looks += 1
                self.broken += [tuple(row) for row in reader.execute("SELECT * FROM budget") if is_over(row)]


def limit_of(row: sqlite3.Row) -> int:
    dollars = {
        "day": LIMITS["budget_day_usd"], "total": LIMITS["budget_total_usd"], "run": LIMITS["budget_run_usd"],
        "model": LIMITS["budget_model_usd"]["m"], "task": TASK_BUDGET,
    }[row["scope"]]  # fmt: skip
    return round(dollars * 1e6)


def is_over(row: sqlite3.Row) -> bool:
    return row["spent"] + row["reserved"] > limit_of(row)


@pytest.mark.parametrize("seed", [1, 2])
def test_threads_of_many_processes_never_pass_a_limit_together_wherever_they_are_killed(
    tmp_path: Path, seed: int
) -> None:
    chance, truth = random.Random(seed), Truth()
    home = Home(tmp_path)
    SqliteStore(home, Settings()).close()
    spawn = multiprocessing.get_context("spawn")
    with ModelServer(default=Reply(text="one two three four")) as server, Watcher(home.database) as watcher:
        server.on_request = truth.note
        started = 0

        def start() -> Any:
            nonlocal started
            started += 1
            process = spawn.Process(target=spend, args=(tmp_path, server.url, seed * 100 + started))
            process.start()
            return process

        running = [start() for _ in range(PROCESSES)]
        for _ in range(4):
            server.wait_for_requests(len(server.requests) + chance.randrange(5, 25), 30)
            victim = running.pop(chance.randrange(len(running)))
            victim.kill()
            victim.join()
            assert victim.exitcode == -signal.SIGKILL
            running.append(start())
        for process in running:
            process.join(90)
            assert process.exitcode == 0

    assert watcher.broken == []
    assert watcher.looks > 50
    check_the_books(home, truth)


def check_the_books(home: Home, truth: Truth) -> None:
    with SqliteStore(home, Settings()) as store:
        left = store.write(lambda tx: budgets.settle_abandoned(tx, "test"))
        calls = store.reader.connection.execute("SELECT * FROM spend").fetchall()
        accounts = store.reader.connection.execute("SELECT * FROM budget").fetchall()

    booked: Counter[tuple[str, ...]] = Counter()
    unsettled: Counter[tuple[str, ...]] = Counter()
    for call in calls:
        for account in json.loads(call["accounts"]):
            booked[tuple(account)] += call["booked"]
            unsettled[tuple(account)] += call["booked"] if call["state"] == "unsettled" else 0
    for row in accounts:
        key = (row["scope"], row["name"], row["day"])
        assert (row["spent"], row["unsettled"], row["reserved"]) == (booked[key], unsettled[key], 0)
        assert row["spent"] <= limit_of(row)
    total = next(row for row in accounts if row["scope"] == "total")
    # What was really used is never more than what is on the books.
    assert truth.micros <= total["spent"]
    assert total["unsettled"] > 0, left
    assert total["spent"] > 0.5 * limit_of(total)


# -- one home, any order -----------------------------------------------------------------------------------


def test_any_order_of_calls_ends_deaths_and_top_ups_keeps_every_account_true(tmp_path: Path) -> None:
    """The same against a model that only adds: a few hundred random steps, checked after each."""
    for seed in range(6):
        _walk(tmp_path / str(seed), random.Random(seed))


def _walk(root: Path, chance: random.Random) -> None:
    root.mkdir()
    clock = FakeClock()
    settings = Settings.model_validate({**LIMITS, "llm_base_url": "http://127.0.0.1:9"})
    live = str(host_platform.this_process())
    with SqliteStore(Home(root), settings, clock) as store:
        wrapper = SecureAPIWrapper(store, settings, ModelCatalog(settings, []), OneModel(settings), live)
        wrapper.start_up()
        open_calls: list[ModelCall] = []
        for _ in range(250):
            step = chance.random()
            if step < 0.5:
                call = wrapper.prepare(
                    approved("word " * chance.randrange(1, 60)),
                    Wishes(max_tokens=chance.randrange(1, 300)),
                    Payer(f"t{chance.randrange(5)}", None, round(TASK_BUDGET * 1e6)),
                )
                with contextlib.suppress(CallHeld):
                    wrapper.let_through(call)
                    open_calls.append(call)
            elif step < 0.8 and open_calls:
                call = open_calls.pop(chance.randrange(len(open_calls)))
                with contextlib.suppress(ModelError):  # nobody listens: it costs nothing
                    wrapper.ask(call, lambda _: None, Call())
                if chance.random() < 0.5:
                    call.bill = None if chance.random() < 0.3 else _any_bill(chance, call)
                settle(store, wrapper, call)
                settle(store, wrapper, call)  # a second time does nothing
            elif step < 0.9:
                clock.advance(chance.choice([1.0, 3600.0, 86_400.0]))
            elif open_calls:
                _bury(store, open_calls)
            _check_sums(store)


def _any_bill(chance: random.Random, call: ModelCall) -> Bill:
    return Bill(chance.randrange(call.worst_micros + 1), is_settled=chance.random() < 0.7)


def _bury(store: SqliteStore, open_calls: list[ModelCall]) -> None:
    """The process that made these calls is dead."""
    store.write(
        lambda tx: tx.connection.execute("UPDATE spend SET owner = 'old-boot/1/1' WHERE state = 'reserved'")
    )
    assert store.write(lambda tx: budgets.settle_abandoned(tx, "test")) == len(open_calls)
    open_calls.clear()


def _check_sums(store: SqliteStore) -> None:
    connection = store.reader.connection
    expected: Counter[tuple[str, ...]] = Counter()
    for call in connection.execute("SELECT * FROM spend"):
        for account in json.loads(call["accounts"]):
            expected[tuple(account)] += call["reserved"] if call["state"] == "reserved" else call["booked"]
    for row in connection.execute("SELECT * FROM budget"):
        assert row["spent"] + row["reserved"] == expected[row["scope"], row["name"], row["day"]]
        assert not is_over(row)

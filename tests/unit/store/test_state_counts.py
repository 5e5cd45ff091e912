"""How many tasks are in each state: counted once for all who ask, and a moment old where that will do."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from store.state_counts import StateCounts

QUERY = "SELECT state, count(*) AS count FROM task GROUP BY state"
LONG_S = 3600.0


class Home:
    """A table of tasks that other processes write, and this one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = sqlite3.connect(path, isolation_level=None)
        self._writer.execute("PRAGMA journal_mode=WAL")
        self._writer.execute("CREATE TABLE task (state TEXT)")
        self.own = 0
        self.counted = 0
        self.counts = StateCounts(self.open, QUERY, lambda: self.own)

    def open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.set_trace_callback(self._note)
        return connection

    def _note(self, statement: str) -> None:
        self.counted += statement == QUERY

    def others_add(self, state: str) -> None:
        self._writer.execute("INSERT INTO task VALUES (?)", (state,))

    def this_process_adds(self, state: str) -> None:
        self.others_add(state)
        self.own += 1


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "state.db")


def test_what_anybody_has_written_is_counted_at_once_where_nobody_said_that_less_will_do(home: Home) -> None:
    assert home.counts.get() == {}
    home.others_add("ready")
    assert home.counts.get() == {"ready": 1}
    home.others_add("ready")
    home.others_add("failed")
    assert home.counts.get() == {"ready": 2, "failed": 1}


def test_nothing_is_counted_again_while_nobody_writes(home: Home) -> None:
    home.others_add("ready")
    for _ in range(5):
        assert home.counts.get() == {"ready": 1}
    assert home.counted == 1


def test_what_others_write_is_told_a_moment_later_where_that_will_do(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("store.state_counts.time.monotonic", lambda: now)
    home.counts.keep(0.25)
    assert home.counts.get() == {}
    home.others_add("ready")
    assert home.counts.get() == {}
    now += 0.3
    assert home.counts.get() == {"ready": 1}


def test_what_this_process_has_written_is_always_in_the_counts(home: Home) -> None:
    home.counts.keep(LONG_S)
    assert home.counts.get() == {}
    home.this_process_adds("cancelled")
    assert home.counts.get() == {"cancelled": 1}


def test_who_is_told_the_counts_may_change_what_was_told(home: Home) -> None:
    home.others_add("ready")
    home.counts.get()["ready"] = 99
    assert home.counts.get() == {"ready": 1}


def test_of_many_threads_that_ask_at_once_one_counts(home: Home) -> None:
    home.others_add("ready")
    together = threading.Barrier(8)

    def ask() -> dict[str, int]:
        together.wait(10)
        return home.counts.get()

    with ThreadPoolExecutor(8) as threads:
        told = [each.result() for each in [threads.submit(ask) for _ in range(8)]]
    assert told == [{"ready": 1}] * 8
    assert home.counted == 1

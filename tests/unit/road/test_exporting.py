"""What cannot be exported is told once, tried again, and holds up nothing but what depends on it."""

from __future__ import annotations

import threading

import pytest

from errors import StoreFull, StoreReadOnly
from road.exporting import Exporting, Standing, audit_gate, log_standing
from store.lanes import Gate
from store.reading import AUDIT_BLOCKED, LOG_BLOCKED
from store.sqlite_store import SqliteStore


class Scripted:
    """An export that fails as it is told, pass by pass."""

    def __init__(self, *passes: Exception | None, always: Exception | None = None) -> None:
        self._passes = list(passes)
        self._always = always
        self.done = threading.Event()
        self.closed = False

    def export_new(self) -> int:
        trouble = self._passes.pop(0) if self._passes else self._always
        if not self._passes:
            self.done.set()
        if trouble is not None:
            raise trouble
        return 0

    def sync_if_due(self, monotonic: float) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


def run(script: Scripted, tell) -> None:
    committed = threading.Event()
    exporting = Exporting("audit", script, committed, tell)
    exporting.start()
    while not script.done.is_set():
        committed.set()
    exporting.stop()


def test_every_pass_is_told_and_a_failing_one_ends_nothing() -> None:
    told: list[Exception | None] = []
    script = Scripted(StoreFull("full"), OSError("broken"), RuntimeError("bug"), None)

    run(script, told.append)

    assert [type(each) for each in told[:4]] == [StoreFull, OSError, RuntimeError, type(None)]
    assert script.closed


def test_a_store_that_cannot_take_the_news_is_told_again() -> None:
    tries: list[Exception | None] = []

    def tell(trouble: Exception | None) -> None:
        tries.append(trouble)
        raise StoreFull("no room for the news either")

    run(Scripted(None, None), tell)

    assert len(tries) >= 2


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "road.exporting"]


def test_the_log_is_told_once_what_is_wrong_again_when_that_changes_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="road.exporting")
    link, full = StoreReadOnly("audit.jsonl is not a plain file."), StoreFull("The disk is full.")

    run(Scripted(None, link, link, link, full, full, None, None, link, None), lambda trouble: None)

    assert said(caplog) == [
        "the audit cannot be written: audit.jsonl is not a plain file.",
        "the audit cannot be written: The disk is full.",
        "the audit can be written again",
        "the audit cannot be written: audit.jsonl is not a plain file.",
        "the audit can be written again",
    ]


def test_the_log_is_told_once_that_the_store_does_not_take_the_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def tell(trouble: Exception | None) -> None:
        raise StoreFull("no room for the news either")

    run(Scripted(None, None, None), tell)

    assert said(caplog) == ["how the audit stands cannot be told: no room for the news either"]


def test_what_cannot_be_written_at_the_end_is_not_told_to_be_over() -> None:
    told: list[Exception | None] = []
    trouble = StoreReadOnly("audit.jsonl is not a plain file.")

    run(Scripted(trouble, always=trouble), told.append)

    assert set(told) == {trouble}


@pytest.fixture
def gate(store: SqliteStore) -> Standing:
    return audit_gate(store)


def events(store: SqliteStore) -> list[str]:
    return [row["event"] for row in store.reader.events() if row["event"].startswith("audit.")]


def test_nothing_is_claimed_while_the_audit_cannot_be_written(store: SqliteStore, gate: Standing) -> None:
    gate.tell(None)
    assert store.reader.gate() == Gate()

    for _ in range(3):
        gate.tell(StoreReadOnly("audit.jsonl is not a plain file."))

    why = "the audit cannot be written, so nothing new starts: audit.jsonl is not a plain file."
    assert store.reader.gate().paused == why
    gate.tell(None)
    gate.tell(None)
    assert store.reader.gate() == Gate()
    assert events(store) == ["audit.blocked", "audit.ok"]


def test_a_gate_that_an_earlier_leader_closed_is_opened(store: SqliteStore, gate: Standing) -> None:
    store.set_audit_blocked("it could not be written")

    gate.tell(None)

    assert store.reader.fact(AUDIT_BLOCKED) is None


def test_an_open_gate_costs_no_write(store: SqliteStore, gate: Standing) -> None:
    before = store.reader.data_version()

    for _ in range(5):
        gate.tell(None)

    assert store.reader.data_version() == before


def test_a_log_that_cannot_be_written_is_told_of_and_holds_nothing_up(store: SqliteStore) -> None:
    standing = log_standing(store)
    for _ in range(2):
        standing.tell(StoreReadOnly("execution_log.jsonl is no plain file."))

    blocked = store.reader.fact(LOG_BLOCKED)
    assert blocked is not None
    assert blocked["reason"].endswith("it will be brought up to date: execution_log.jsonl is no plain file.")
    assert store.reader.gate() == Gate()
    standing.tell(None)
    assert store.reader.fact(LOG_BLOCKED) is None
    told = [row["event"] for row in store.reader.events() if row["event"].startswith("log.")]
    assert told == ["log.blocked", "log.ok"]

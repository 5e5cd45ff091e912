"""The writer: what waits together is durable together, and a result is given only after its commit."""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from errors import NotFound, StoreError
from store import database
from store.place import StoreGone
from store.records import Intake
from store.transaction import Transaction
from store.writer import MOST_IN_ONE_COMMIT, Writer
from testing.clock import FakeClock
from testing.tasks import new_task

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def writer(path: Path):
    opened = Writer(path, FakeClock())
    yield opened
    opened.close()


def keys(path: Path) -> set[str]:
    reader = database.open_reader(path)
    found = {row[0] for row in reader.execute("SELECT key FROM meta")}
    reader.close()
    return found


def keep(key: str) -> Callable[[Transaction], None]:
    return lambda tx: tx.set_meta(key, "1")


class Held:
    """Holds the writing thread inside a transaction until let go: what is handed in meanwhile waits."""

    def __init__(self, writer: Writer) -> None:
        self._reached, self._go = threading.Event(), threading.Event()
        self.future = writer.submit(self._hold)
        assert self._reached.wait(60)

    def _hold(self, tx: Transaction) -> None:
        self._reached.set()
        assert self._go.wait(60)

    def let_go(self) -> None:
        self._go.set()
        self.future.result(60)


def test_the_connection_keeps_the_promises_made_of_it(path, writer):
    connection = writer._connection
    read_back = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "fullfsync")
    }
    assert read_back == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "wal_autocheckpoint": 0,
        "fullfsync": 1,
    }
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_reader_cannot_write(path, writer):
    reader = database.open_reader(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM task")
    reader.close()


def test_foreign_keys_are_enforced(writer):
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        writer.run(lambda tx: tx.mark_dirty(999))


def test_what_many_threads_hand_in_while_a_commit_is_under_way_is_one_commit(path, writer):
    held = Held(writer)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        futures = list(pool.map(lambda number: writer.submit(keep(f"k{number}")), range(MOST_IN_ONE_COMMIT)))
        seen_while_done: list[int] = []
        futures[0].add_done_callback(lambda _: seen_while_done.append(len(keys(path))))
        held.let_go()
        concurrent.futures.wait(futures)
    assert seen_while_done == [MOST_IN_ONE_COMMIT], "the first was answered when all were durable"


def test_a_batch_is_one_transaction_and_is_bounded(writer):
    held = Held(writer)
    seen: list[Transaction] = []
    futures = [writer.submit(seen.append) for _ in range(MOST_IN_ONE_COMMIT + 1)]
    held.let_go()
    concurrent.futures.wait(futures)
    assert len({id(tx) for tx in seen[:MOST_IN_ONE_COMMIT]}) == 1
    assert seen[MOST_IN_ONE_COMMIT] is not seen[0]


def test_a_function_that_fails_takes_nothing_with_it_but_its_own(path, writer):
    def fail(tx: Transaction) -> None:
        tx.set_meta("bad", "1")
        tx.emit("daemon.resumed")
        raise NotFound("no")

    held = Held(writer)
    before = writer.submit(lambda tx: tx.set_meta("before", "1"))
    failed = writer.submit(fail)
    broken = writer.submit(lambda tx: tx.connection.execute("nonsense"))
    after = writer.submit(lambda tx: tx.set_meta("after", "1"))
    held.let_go()
    before.result(60)
    after.result(60)
    with pytest.raises(NotFound, match="no"):
        failed.result(60)
    with pytest.raises(StoreError, match="syntax error"):
        broken.result(60)
    assert keys(path) == {"before", "after"}


def test_a_function_that_fails_leaves_no_gap_in_the_history(writer):
    def fail(tx: Transaction) -> None:
        tx.emit("daemon.resumed")
        raise NotFound

    for _ in range(3):
        writer.run(lambda tx: tx.emit("daemon.paused"))
        with pytest.raises(NotFound):
            writer.run(fail)
    rows = writer.run(lambda tx: tx.all("events_after", after=0, limit=100))
    assert [row["seq"] for row in rows] == [1, 2, 3]


def test_a_function_sees_the_history_that_it_told_itself(writer):
    def tell_and_look(tx: Transaction) -> list[str]:
        tx.emit("daemon.paused")
        seen = [row["event"] for row in tx.all("events_after", after=0, limit=10)]
        tx.emit("daemon.resumed")
        return seen

    assert writer.run(tell_and_look) == ["daemon.paused"]
    rows = writer.run(lambda tx: tx.all("events_after", after=0, limit=10))
    assert [row["event"] for row in rows] == ["daemon.paused", "daemon.resumed"]


def test_many_events_of_one_function_stand_in_the_order_they_were_told(writer):
    writer.run(lambda tx: [tx.emit("daemon.crashed", pid=number) for number in range(100)])
    rows = writer.run(lambda tx: tx.all("events_after", after=0, limit=200))
    assert [(row["seq"], row["data"]) for row in rows] == [(n + 1, f'{{"pid":{n}}}') for n in range(100)]


def test_a_function_that_is_alone_and_fails_takes_all_it_wrote_with_it(path, writer):
    def fail(tx: Transaction) -> None:
        tx.set_meta("bad", "1")
        tx.emit("daemon.resumed")
        raise OSError(errno.ENOSPC, "a file of its own did not fit")

    with pytest.raises(OSError, match="did not fit"):
        writer.run(fail)
    assert path.with_name("reserve.bin").exists(), "the store itself was not short of room"
    writer.run(keep("good"))
    assert keys(path) == {"good"}
    assert writer.run(lambda tx: tx.all("events_after", after=0, limit=10)) == []


def test_a_result_is_given_only_when_others_can_read_it(path, writer):
    for number in range(50):
        writer.run(keep(f"k{number}"))
        assert f"k{number}" in keys(path)


def test_nobody_sees_half_a_transaction(path, writer):
    reached, go = threading.Event(), threading.Event()

    def two_steps(tx: Transaction) -> None:
        tx.set_meta("one", "1")
        reached.set()
        assert go.wait(60)
        tx.set_meta("two", "1")

    future = writer.submit(two_steps)
    assert reached.wait(60)
    assert keys(path) == set()
    assert not future.done()
    go.set()
    future.result(60)
    assert keys(path) == {"one", "two"}


def test_a_caller_that_no_longer_wants_its_result_stops_nobody(path, writer):
    held = Held(writer)
    unwanted = writer.submit(lambda tx: tx.set_meta("unwanted", "1"))
    assert unwanted.cancel()
    held.let_go()
    writer.run(lambda tx: tx.set_meta("wanted", "1"), timeout=60)
    assert keys(path) == {"wanted"}


def test_closing_finishes_what_was_handed_in_and_then_takes_nothing_more(path):
    writer = Writer(path, FakeClock())
    held = Held(writer)
    futures = [writer.submit(keep(f"k{number}")) for number in range(600)]
    held.let_go()
    writer.close()
    writer.close()
    assert all(future.done() for future in futures)
    assert len(keys(path)) == 600
    with pytest.raises(StoreError, match="closed"):
        writer.run(lambda tx: None)


def test_closing_while_others_hand_in_leaves_nobody_waiting(path):
    for _ in range(20):
        writer = Writer(path, FakeClock())
        barrier = threading.Barrier(5)

        def hand_in(writer: Writer = writer, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            with contextlib.suppress(StoreError):
                for _ in range(20):
                    writer.submit(lambda tx: tx.set_meta("k", "1")).result(60)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(hand_in) for _ in range(4)]
            barrier.wait()
            writer.close()
            for future in futures:
                future.result(60)


def test_a_checkpoint_waits_its_turn_and_brings_the_log_home(path, writer):
    writer.run(lambda tx: tx.set_meta("k", "v" * 100_000))
    wal = path.with_name("state.db-wal")
    assert wal.stat().st_size > 100_000
    writer.checkpoint("TRUNCATE")
    assert wal.stat().st_size == 0
    assert keys(path) == {"k"}


def test_two_processes_worth_of_writers_take_turns(path):
    writers = [Writer(path, FakeClock()) for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        futures = [
            pool.submit(writers[number % 4].run, lambda tx: tx.emit("daemon.paused")) for number in range(200)
        ]
        for future in futures:
            future.result(60)
    rows = writers[0].run(lambda tx: tx.all("events_after", after=0, limit=1000))
    assert [row["seq"] for row in rows] == list(range(1, 201))
    for writer in writers:
        writer.close()


# -- the plug ------------------------------------------------------------------------------------------------

#: Enters tasks from several threads and prints each id once it is told that it is durable.
ACKNOWLEDGE = """
import sys, threading
from pathlib import Path
from settings import Home, Settings
from store.place import StoreGone
from store.records import Intake
from store.sqlite_store import SqliteStore
from testing.tasks import new_task
store = SqliteStore(Home(Path(sys.argv[1])), Settings())
def enter(who):
    for number in range(10_000):
        name = f"r{sys.argv[2]}.{who}.{number}"
        store.submit(Intake(new=[new_task(id=name)]), "test")
        sys.stdout.write(name + "\\n")
        sys.stdout.flush()
for who in range(4):
    threading.Thread(target=enter, args=(who,), daemon=True).start()
sys.stdin.read()
"""


def test_what_was_acknowledged_survives_kill_9_ten_times_over(tmp_path):
    acknowledged: list[str] = []
    for number in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", ACKNOWLEDGE, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(10 + 7 * number)]
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0]
        told += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        acknowledged += [line.strip() for line in told]
        path = tmp_path / ".swarm" / "state.db"
        database.check_integrity(path)
        reader = database.open_reader(path)
        entered = {row["id"] for row in reader.execute("SELECT id FROM task")}
        history = [row["seq"] for row in reader.execute("SELECT seq FROM event ORDER BY seq")]
        queued = {row["task_id"] for row in reader.execute("SELECT task_id FROM event")}
        reader.close()
        assert set(acknowledged) <= entered
        assert history == list(range(1, len(history) + 1))
        assert queued == entered


def test_nothing_is_recorded_while_the_file_that_is_open_stands_elsewhere(writer, path):
    writer.run(keep("before"))
    moved = path.rename(path.with_name("moved.db"))
    with pytest.raises(StoreGone, match="was moved or removed while Skep worked there"):
        writer.run(keep("while nothing stands there"))
    shutil.copyfile(moved, path)
    with pytest.raises(StoreGone):
        writer.run(keep("while another stands there"))
    moved.rename(path)
    writer.run(keep("after"))

    assert {"before", "after"} <= keys(path)
    assert not [key for key in keys(path) if key.startswith("while")]


def test_a_folder_that_is_closed_for_a_moment_is_not_taken_for_one_that_is_gone(writer, monkeypatch):
    def be_closed(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", be_closed)
        writer.run(keep("meanwhile"))
        assert not writer.place.is_gone()


def test_a_store_of_a_newer_program_is_left_alone(path):
    Writer(path, FakeClock()).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=999")
    connection.close()
    with pytest.raises(StoreError, match="newer Skep"):
        Writer(path, FakeClock())


def test_a_file_that_is_no_database_is_told_and_kept(path):
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="is damaged"):
        Writer(path, FakeClock())
    with pytest.raises(StoreError, match="is damaged"):
        database.check_integrity(path)
    assert path.read_bytes() == b"not a database" * 100


def test_a_damaged_page_is_found(store):
    store.submit(Intake(new=[new_task(id=f"t{number}") for number in range(500)]), "test")
    store.writer.checkpoint("TRUNCATE")
    database.check_integrity(store.home.database)
    with store.home.database.open("r+b") as file:
        for page in range(20, 40):
            file.seek(page * 4096)
            file.write(b"\xff" * 200)
    with pytest.raises(StoreError, match="is damaged"):
        database.check_integrity(store.home.database)

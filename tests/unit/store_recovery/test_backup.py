"""The copy of the database: whole, checked, never in anybody's way, and never in place of a better one."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading

import pytest

from errors import StoreCorrupt
from store import backup, database
from store.backup import Backup
from tests.unit.store_recovery.worked_home import WorkedHome


@pytest.fixture
def worked(tmp_path, clock):
    home = WorkedHome(tmp_path / "home", clock).open()
    home.do("a")
    yield home
    if home.store is not None:
        home.close()


def make(home: WorkedHome) -> Backup:
    return Backup(home.home, home.settings, home.clock)


def states(path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT id, state FROM task"))


def test_the_copy_holds_what_is_still_in_the_write_ahead_log_and_is_one_file(worked):
    assert make(worked).run()
    path = backup.newest(worked.home)
    assert states(path) == {"a": "approved"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(found.name for found in worked.home.state.glob("backup*")) == ["backup.db"]


def test_nothing_is_copied_where_nothing_has_happened_also_after_a_restart(worked):
    keeper = make(worked)
    assert keeper.run()
    assert not keeper.run()
    assert not make(worked).run()
    worked.do("b")
    assert keeper.run()


def test_one_older_copy_is_kept(worked):
    keeper = make(worked)
    for name in ("b", "c", "d"):
        assert keeper.run()
        worked.do(name)
    newest, older = backup.generations(worked.home)
    assert (len(states(newest)), len(states(older))) == (3, 2)


def test_a_copy_is_due_at_once_then_after_the_interval_counted_from_the_last_one(worked, clock):
    keeper = make(worked)
    assert keeper.run_if_due(100.0)
    assert not keeper.run_if_due(100.0 + 3599)
    keeper.close()
    copied = backup.newest(worked.home)
    os.utime(copied, (clock.now() - 3000, clock.now() - 3000))
    again = make(worked)
    assert not again.run_if_due(500.0)
    assert not again.run_if_due(500.0 + 599)
    assert again.run_if_due(500.0 + 601)
    again.close()


def test_a_stop_in_good_order_leaves_a_last_copy(worked):
    keeper = make(worked)
    keeper.run()
    worked.do("b")
    keeper.close()
    assert states(backup.newest(worked.home)) == {"a": "approved", "b": "approved"}


def test_a_stop_that_cannot_wait_leaves_the_copy_before(worked):
    keeper = make(worked)
    keeper.run()
    worked.do("b")
    keeper.close(seconds=-1.0)
    assert states(backup.newest(worked.home)) == {"a": "approved"}
    assert not (worked.home.state / "backup.db.new").exists()


def test_a_damaged_database_never_takes_the_place_of_a_sound_copy(worked):
    keeper = make(worked)
    keeper.run()
    worked.do(*(f"t{number}" for number in range(200)))
    worked.opened.writer.checkpoint("TRUNCATE")
    size = worked.home.database.stat().st_size
    worked.close()
    worked.overwrite(size // 2 // 4096 * 4096, b"\xa5" * 8192)
    with pytest.raises(StoreCorrupt, match="start it again: it is rebuilt then"):
        keeper.run()
    assert states(backup.newest(worked.home)) == {"a": "approved"}
    assert not (worked.home.state / "backup.db.new").exists()


def test_writers_commit_while_the_copy_is_made_and_it_ends_although_they_go_on(worked, monkeypatch):
    """Each step of the copy waits until another commit has been made."""
    monkeypatch.setattr(backup, "PAGES_PER_STEP", 1)
    committed = threading.Semaphore(0)
    wanted = threading.Event()
    over = threading.Event()

    def write():
        while not over.is_set():
            wanted.wait(1)
            wanted.clear()
            worked.opened.write(lambda tx: tx.emit("daemon.paused", reason="x" * 9000))
            committed.release()

    thread = threading.Thread(target=write)
    thread.start()
    steps = []

    def go_on() -> bool:
        steps.append(1)
        wanted.set()
        assert committed.acquire(timeout=30)
        return True

    target = worked.home.state / "copy.db"
    try:
        last = backup.copy_database(worked.home.database, target, go_on)
    finally:
        over.set()
        wanted.set()
        thread.join()
    assert len(steps) > 10
    database.check_integrity(target)
    assert backup.last_event(target) == last < backup.last_event(worked.home.database)


def test_no_copy_is_made_where_it_would_take_the_room_tasks_need(worked):
    worked.settings = worked.settings.model_copy(update={"disk_free_bytes": 2**50})
    assert not make(worked).run()
    assert not backup.newest(worked.home).exists()


def test_a_crash_between_the_two_renames_leaves_a_copy_that_is_found(worked):
    keeper = make(worked)
    keeper.run()
    newest, older = backup.generations(worked.home)
    newest.replace(older)
    worked.show()
    worked.close()
    worked.overwrite(0, bytes(100))
    recovered = worked.recover()
    assert recovered is not None
    assert "the backup of" in recovered.message

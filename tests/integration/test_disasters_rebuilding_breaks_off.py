"""The rebuilding itself is killed or refused: the damaged files stay, and the next start does it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from errors import AlreadyRunning, StoreCorrupt, StoreUnsupported
from store import backup
from store.recovery import recover
from tests.unit.store_recovery.worked_home import WorkedHome

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def worked(tmp_path, clock):
    home = WorkedHome(tmp_path / "home", clock).open()
    yield home
    if home.store is not None:
        home.close()


@pytest.mark.parametrize(
    "step", ["rebuild", "_move_away", "_put_in_place", "shutil.rmtree"], ids=lambda step: step.strip("_")
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rebuilding_that_is_killed_at_any_step_is_done_by_the_next_start(
    worked: WorkedHome, step: str, when: str
) -> None:
    worked.do("a")
    worked.add("b")
    worked.show()
    worked.back_up()
    worked.do("c", priority=1)
    worked.show()
    before = worked.states()
    worked.close()
    worked.overwrite(0, bytes(100))
    broken = worked.home.database.read_bytes()

    program = f"""
import os, signal
from pathlib import Path
from settings import Home, Settings
from store.recovery import recover
owner, name = recover, {step!r}
if "." in name:
    owner, name = recover.shutil, "rmtree"
inner = getattr(owner, name)
def killed(*args, **options):
    if {when!r} == "after":
        inner(*args, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, killed)
recover.recover_if_damaged(Home(Path({str(worked.home.root)!r})), Settings(disk_free_bytes=0))
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False)
    assert ended.returncode == -signal.SIGKILL

    worked.recover()
    kept = [path / "state.db" for path in worked.home.state.glob("damaged-*") if (path / "state.db").exists()]
    assert [path.read_bytes() for path in kept] == [broken]
    assert not list(worked.home.state.glob("state.db.rebuilt*"))
    worked.open()
    assert worked.states() == before
    assert worked.verify().ok
    assert [row["kind"] for row in worked.opened.reader.decisions()] == ["recovery"]
    assert worked.claim() == []


def test_where_the_damaged_files_cannot_be_moved_the_way_out_is_said_and_nothing_is_lost(
    worked: WorkedHome, monkeypatch
) -> None:
    worked.do("a")
    worked.show()
    worked.close()
    worked.overwrite(0, bytes(100))
    broken = worked.home.database.read_bytes()

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(recover, "_move_away", refuse)
    with pytest.raises(StoreCorrupt, match=r"move state\.db, state\.db-wal and state\.db-shm away yourself"):
        worked.recover()
    assert worked.home.database.read_bytes() == broken
    monkeypatch.undo()
    assert worked.recover() is not None


def test_nothing_is_moved_while_a_worker_uses_the_store(worked: WorkedHome) -> None:
    worked.do("a")
    worked.show()
    worked.close()
    worked.overwrite(0, bytes(100))
    with (
        filelock.FileLock(worked.home.leader_lock),
        pytest.raises(AlreadyRunning, match="Stop it and start again"),
    ):
        worked.recover()
    assert not list(worked.home.state.glob("damaged-*"))


def test_a_backup_of_a_newer_skep_is_not_touched(worked: WorkedHome) -> None:
    worked.do("a")
    worked.show()
    worked.back_up()
    worked.close()
    worked.overwrite(0, bytes(100))
    connection = sqlite3.connect(backup.newest(worked.home))
    connection.execute("PRAGMA user_version=999")
    connection.close()
    with pytest.raises(StoreUnsupported, match="newer Skep"):
        worked.recover()
    assert worked.home.database.read_bytes()[:100] == bytes(100)

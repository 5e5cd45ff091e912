"""Homes that Skep must not work on: each is refused with a sentence, and nothing in it is changed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import host_platform
from errors import AlreadyRunning, StoreUnsupported
from settings import Settings
from store import backup
from store.sqlite_store import SqliteStore
from supervisor.daemon import lock_home
from tests.unit.store_recovery.worked_home import WorkedHome

REPOSITORY = Path(__file__).resolve().parents[2]


def skep(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "skep", *arguments],
        cwd=REPOSITORY,
        env=environment | {"SKEP_HOME": str(root), "SKEP_DISK_FREE_BYTES": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_second_daemon_on_the_same_home_is_refused_with_a_sentence(home) -> None:
    home.state.mkdir()
    lock = lock_home(home)
    try:
        with pytest.raises(AlreadyRunning, match=r"A daemon already runs on .* or another SKEP_HOME"):
            lock_home(home)
        answer = skep(home.root, "up", "--no-panel")
        assert (answer.returncode, answer.stdout) == (3, "")
        assert "A daemon already runs on" in answer.stderr
        assert "Traceback" not in answer.stderr
    finally:
        lock.release()
    lock_home(home).release()


def test_no_home_is_made_where_there_is_no_directory(tmp_path) -> None:
    answer = skep(tmp_path / "mistyped", "up", "--no-panel")

    assert (answer.returncode, answer.stdout) == (3, "")
    assert f"skep init {tmp_path / 'mistyped'}" in answer.stderr
    assert not (tmp_path / "mistyped").exists()


def test_swarm_and_the_panel_cannot_have_the_same_port(home) -> None:
    (home.root / "skep.toml").write_text("swarm_port = 8499\npanel_port = 8499\n")

    answer = skep(home.root, "up")

    assert (answer.returncode, answer.stdout) == (2, "")
    assert "swarm_port and panel_port are both 8499" in answer.stderr


def test_the_place_of_a_daemon_that_was_killed_is_free_at_once(home) -> None:
    home.state.mkdir()
    program = (
        "import os, signal; from pathlib import Path; from settings import Home;"
        "from supervisor.daemon import lock_home;"
        f"lock = lock_home(Home(Path({str(home.root)!r}))); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False)
    lock_home(home).release()


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"])
def test_a_home_on_a_network_file_system_is_refused_by_its_mount(home, clock, monkeypatch, kind: str) -> None:
    table = f"/dev/root / ext4 rw 0 0\nserver:/share {home.root} {kind} rw 0 0\nproc /proc proc rw 0 0\n"
    read_text = Path.read_text

    def read(path: Path, *args, **options):
        return table if str(path) == "/proc/self/mounts" else read_text(path, *args, **options)

    monkeypatch.setattr(host_platform, "IS_LINUX", True)
    monkeypatch.setattr(Path, "read_text", read)
    with pytest.raises(StoreUnsupported, match=rf"is on {kind}, a network file system.*SKEP_HOME"):
        SqliteStore(home, Settings(), clock)
    with pytest.raises(StoreUnsupported, match="a network file system"):
        WorkedHome(home.root, clock).recover()
    assert not home.database.exists()


def test_a_database_of_a_newer_skep_is_refused_and_never_taken_for_a_damaged_one(tmp_path, clock) -> None:
    worked = WorkedHome(tmp_path / "home", clock).open()
    worked.do("a")
    worked.show()
    worked.close()
    connection = sqlite3.connect(worked.home.database)
    connection.execute("PRAGMA user_version=999")
    connection.close()
    before = contents(worked.home.root)
    with pytest.raises(StoreUnsupported, match="newer Skep"):
        worked.recover()
    with pytest.raises(StoreUnsupported, match="newer Skep"):
        worked.open()
    after = contents(worked.home.root)
    assert {name: after[name] for name in before if "-wal" not in name and "-shm" not in name} == {
        name: content for name, content in before.items() if "-wal" not in name and "-shm" not in name
    }


def test_whatever_is_written_beside_the_database_is_for_its_owner_alone(tmp_path, clock) -> None:
    worked = WorkedHome(tmp_path / "home", clock)
    worked.home.state.mkdir(parents=True)
    worked.home.state.chmod(0o755)
    mask = os.umask(0)
    try:
        worked.open()
        worked.do("a")
        worked.show()
        worked.back_up()
        worked.close()
        worked.overwrite(0, bytes(100))
        recovered = worked.recover()
    finally:
        os.umask(mask)
    assert recovered is not None
    assert worked.home.state.stat().st_mode & 0o777 == 0o700
    assert recovered.moved_to.stat().st_mode & 0o777 == 0o700
    for path in (worked.home.database, backup.newest(worked.home)):
        assert path.stat().st_mode & 0o777 == 0o600

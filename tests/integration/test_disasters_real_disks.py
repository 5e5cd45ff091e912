"""The whole daemon on a disk of its own that becomes full, or cannot be written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors import StoreCorrupt, StoreError, StoreFull
from testing.clock import FakeClock
from testing.running_daemon import RunningDaemon
from tests.small_disk import fill, mount, small_disk
from tests.unit.store_recovery.worked_home import WorkedHome

MIB = 2**20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    with small_disk(tmp_path, "24m") as point:
        yield point


@pytest.fixture
def daemon(disk: Path, tmp_path: Path) -> Iterator[RunningDaemon]:
    running = RunningDaemon(disk / "home", SKEP_DISK_FREE_BYTES=str(4 * MIB))
    # What the daemon says goes elsewhere, so that the test can read it when the disk is full.
    (running.root / "daemon.log").symlink_to(tmp_path / "daemon.log")
    yield running
    running.kill_everything()


@pytest.mark.acceptance
@pytest.mark.slow
def test_when_the_disk_fills_what_runs_is_finished_nothing_starts_and_all_goes_on_by_itself(
    daemon: RunningDaemon, disk: Path
) -> None:
    daemon.start("--no-panel")
    running = [f"running-{number}" for number in range(4)]
    daemon.add_to_queue(*({"id": name, "command": "sleep 3"} for name in running))
    daemon.wait_until(
        lambda tasks: all(tasks.get(name, {}).get("status") == "in_progress" for name in running), "4 run"
    )

    filler = fill(disk)
    daemon.wait_for_ends(*running)
    assert {daemon.tasks()[name]["status"] for name in running} == {"approved"}

    held = []
    for number in range(3):
        answer = daemon.skep("add", "--id", f"held-{number}", "--command", "true")
        assert answer.returncode in {0, 3}, answer.stderr
        assert "Traceback" not in answer.stderr
        held += [f"held-{number}"] if answer.returncode == 0 else []
    if held:
        tasks = daemon.wait_until(
            lambda tasks: all("disk" in str(tasks[name]["waiting_for"]) for name in held), "held by the disk"
        )
        assert {tasks[name]["status"] for name in held} == {"pending"}

    filler.unlink()
    daemon.wait_for_ends(*held)
    assert daemon.skep("add", "--id", "after", "--command", "true").returncode == 0
    tasks = daemon.wait_for_ends("after")
    assert {tasks[name]["status"] for name in [*running, *held, "after"]} == {"approved"}
    assert [daemon.statuses(name).count("in_progress") for name in running] == [1, 1, 1, 1]
    assert daemon.stop() == 0
    assert daemon.skep("verify").returncode == 0


@pytest.mark.acceptance
def test_a_daemon_on_a_disk_that_cannot_be_written_says_so_once_and_works_when_it_can(
    daemon: RunningDaemon, disk: Path
) -> None:
    assert daemon.skep("add", "--id", "a", "--command", "true").returncode == 0
    mount("-o", "remount,ro", str(disk))
    answer = daemon.skep("up", "--no-panel")
    assert (answer.returncode, answer.stdout) == (3, "")
    assert "cannot be" in answer.stderr or "Read-only file system" in answer.stderr
    assert answer.stderr.count("\n") <= 2, answer.stderr
    assert daemon.pids("worker") == []
    mount("-o", "remount,rw", str(disk))
    assert daemon.skep("up", "--no-panel", "--until-idle").returncode == 0
    assert daemon.tasks()["a"]["status"] == "approved"


@pytest.fixture
def broken(disk: Path) -> WorkedHome:
    """A home with a damaged database on a disk of its own."""
    home = WorkedHome(disk / "home", FakeClock()).open()
    home.do("a")
    home.add("b")
    home.show()
    home.back_up()
    home.close()
    home.overwrite(0, bytes(100))
    return home


def test_a_damaged_database_on_a_disk_that_cannot_be_written_is_told_with_the_way_out(
    broken: WorkedHome, disk: Path
) -> None:
    mount("-o", "remount,ro", str(disk))
    with pytest.raises(StoreCorrupt, match=r"could not be rebuilt.*move state.db"):
        broken.recover()
    mount("-o", "remount,rw", str(disk))
    assert broken.recover() is not None


def test_a_damaged_database_on_a_full_disk_waits_for_room_and_nothing_is_changed(
    broken: WorkedHome, disk: Path
) -> None:
    filler = fill(disk)
    (broken.home.state / "reserve.bin").unlink()
    damaged = broken.home.database.read_bytes()
    filler = disk / "filler-2"
    fill_rest(filler)
    with pytest.raises(StoreFull, match="too full to rebuild"):
        broken.recover()
    assert broken.home.database.read_bytes() == damaged
    assert not list(broken.home.state.glob("damaged-*"))
    filler.unlink()
    (disk / "filler").unlink()
    assert broken.recover() is not None
    broken.open()
    assert broken.states() == {"a": "approved", "b": "ready"}
    broken.close()


def fill_rest(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def test_a_sound_database_that_cannot_be_opened_is_not_taken_for_a_damaged_one(
    disk: Path, tmp_path: Path
) -> None:
    home = WorkedHome(disk / "home", FakeClock()).open()
    home.do("a")
    crashed = home.pull_the_plug(disk / "crashed")
    home.close()
    mount("-o", "remount,ro", str(disk))
    with contextlib.suppress(StoreError):
        assert crashed.recover() is None
    assert not list(crashed.home.state.glob("damaged-*"))
    mount("-o", "remount,rw", str(disk))
    assert crashed.recover() is None

"""A full disk, a disk that cannot be written, and a foreign one: on small file systems of their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import host_platform
from errors import StoreError, StoreFull, StoreReadOnly, StoreUnsupported
from settings import Home, Settings
from store import recording, steering
from store.claims import Claimant
from store.records import Intake, TaskRef
from store.sqlite_store import SqliteStore
from store.transaction import Transaction, dump
from store.writer import RESERVE_BYTES
from testing.clock import FakeClock
from testing.tasks import new_task
from tests.conformance.store_suite import approve
from tests.conformance.store_suite import status as state
from tests.small_disk import fill, mount, small_disk

WHO = Claimant("worker-test", host_platform.this_process(), 30.0)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    with small_disk(tmp_path, "3m") as point:
        yield point


def open_store(root: Path) -> SqliteStore:
    return SqliteStore(Home(root), Settings(), FakeClock())


def conclude_at_length(ref: TaskRef, tx: Transaction) -> None:
    """The end of a task that takes room."""
    row = steering.find(tx, ref.id)
    tx.run("to_review", seq=row["seq"], result=dump({"result": "x" * 2_000}))
    recording.approve(tx, steering.find(tx, ref.id), "critics")


def submit(store: SqliteStore, *names: str) -> None:
    store.submit(Intake(new=[new_task(id=name) for name in names]), "test")


def submit_until_full(store: SqliteStore) -> list[str]:
    """Enter tasks until the disk is full; those that were acknowledged."""
    taken: list[str] = []

    def submit_on() -> None:
        for number in range(10_000):
            store.submit(Intake(new=[new_task(id=f"t{number}", note="x" * 20_000)]), "test")
            taken.append(f"t{number}")

    with pytest.raises(StoreFull):
        submit_on()
    return taken


def test_when_the_disk_is_full_the_reserve_lets_what_runs_be_finished(disk):
    with open_store(disk) as store:
        reserve = disk / ".swarm" / "reserve.bin"
        assert reserve.stat().st_size == RESERVE_BYTES
        submit(store, "a", "b")
        first, second = store.claim(WHO, 2)
        fill(disk)
        # The room that is left in the last page and in the write-ahead log is used up first.
        while reserve.exists():
            store.write(lambda tx: tx.emit("daemon.paused", reason="x" * 2000))
        approve(store, first)
        approve(store, second)
        assert store.reader.counts()["approved"] == 2
        store.set_disk_full("the disk is full")
        assert store.claim(WHO, 2) == []


def test_a_conclusion_that_needed_the_reserve_starts_nothing_new(disk):
    with open_store(disk) as store:
        reserve = disk / ".swarm" / "reserve.bin"
        submit(store, *(f"t{number}" for number in range(500)))
        claimed = store.claim(WHO, 1)
        fill(disk)
        done: list[str] = []
        while reserve.exists():
            done.append(claimed[0].id)
            claimed = store.conclude(partial(conclude_at_length, claimed[0].ref), WHO)

        assert claimed == []
        assert {state(store, each) for each in done} == {"approved"}
        assert store.reader.counts()["pending"] > 0


def test_when_the_reserve_is_used_up_everything_acknowledged_is_still_there(disk):
    with open_store(disk) as store:
        taken = submit_until_full(store)
        assert not (disk / ".swarm" / "reserve.bin").exists()
        assert [row["id"] for row in store.reader.tasks()] == taken
        with pytest.raises(StoreFull, match="make room and Skep goes on by itself"):
            store.submit(Intake(new=[new_task(id="more", note="x" * 20_000)]), "test")
        history = list(store.reader.events())
        assert [row["seq"] for row in history] == list(range(1, len(history) + 1))
        assert [row["task_id"] for row in history if row["event"] == "task.queued"] == taken


def test_when_there_is_room_again_it_goes_on_and_the_reserve_comes_back(disk):
    with open_store(disk) as store:
        filler = fill(disk)
        submit_until_full(store)
        filler.unlink()
        submit(store, "after")
        assert state(store, "after") == "ready"
        store.writer.checkpoint("TRUNCATE")
        store.writer.keep_reserve()
        assert (disk / ".swarm" / "reserve.bin").exists() == (
            os.statvfs(disk).f_bavail * 4096 >= RESERVE_BYTES
        )


def test_the_reserve_is_not_taken_from_the_little_that_was_made_free(disk):
    """Else the next command of a person would take the room that lets what runs be finished."""
    with open_store(disk) as store:
        submit(store, "a")
    (disk / ".swarm" / "reserve.bin").unlink()
    filler = fill(disk)
    os.truncate(filler, filler.stat().st_size - RESERVE_BYTES - 300_000)
    with open_store(disk) as store:
        assert not (disk / ".swarm" / "reserve.bin").exists()
        submit(store, "b")


def test_a_disk_that_is_full_at_the_start_is_told_as_that(disk):
    fill(disk)
    with pytest.raises(StoreError):
        open_store(disk)


def test_a_store_that_cannot_be_written_is_told_as_that_and_nothing_is_lost(disk):
    with open_store(disk) as store:
        submit(store, "a")
    mount("-o", "remount,ro", str(disk))
    with pytest.raises(StoreReadOnly, match=r"cannot be (written|opened)"):
        open_store(disk)
    mount("-o", "remount,rw", str(disk))
    with open_store(disk) as store:
        assert state(store, "a") == "ready"


def test_a_home_that_cannot_be_made_is_told_as_that(disk):
    mount("-o", "remount,ro", str(disk))
    with pytest.raises(StoreReadOnly, match="cannot be made"):
        open_store(disk)


def test_a_running_store_whose_disk_turns_read_only_fails_each_write_and_recovers(disk):
    with open_store(disk) as store:
        submit(store, "a")
        (claim,) = store.claim(WHO, 1)
        # What is open for writing holds the file system; a lazy remount says so.
        remounted = subprocess.run(["mount", "-o", "remount,ro", str(disk)], capture_output=True, check=False)
        if remounted.returncode != 0:
            store.write(lambda tx: recording.hand_back(tx, claim.ref, "still writable"))
            return
        with pytest.raises(StoreError):
            submit(store, "b")
        mount("-o", "remount,rw", str(disk))
        submit(store, "b")


def test_a_network_file_system_is_refused_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(host_platform, "file_system_type", lambda path: "nfs4")
    with pytest.raises(StoreUnsupported, match=r"nfs4, a network file system.*SKEP_HOME"):
        open_store(tmp_path)


def test_the_state_directory_is_for_its_owner_alone(tmp_path):
    (tmp_path / ".swarm").mkdir(mode=0o755)
    with open_store(tmp_path):
        assert (tmp_path / ".swarm").stat().st_mode & 0o777 == 0o700

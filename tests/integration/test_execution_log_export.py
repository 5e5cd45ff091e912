"""The log holds every event once, in order, whatever happens to its file."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors import StoreReadOnly
from store.execution_log import GENESIS, LogFiles
from store.recovery.old_log import last_logged
from tests.unit.execution_log.log_home import LogHome

SMALL = 4096


@pytest.fixture
def log_home(tmp_path: Path) -> Iterator[LogHome]:
    home = LogHome(tmp_path)
    yield home
    home.close()


def test_a_new_home_has_no_log_until_something_happens(log_home: LogHome) -> None:
    exporter = log_home.exporter()

    assert exporter.start_up() == []
    assert exporter.export_new() == 0
    assert not log_home.log.exists()
    assert log_home.verify().ok


def test_events_are_exported_once_and_in_order(log_home: LogHome) -> None:
    exporter = log_home.exporter()
    written = []
    for count in (1, 3, 2500):
        log_home.emit(count)
        written.append(exporter.export_new())
    exporter.close()

    assert written == [1, 3, 2500]
    assert log_home.is_whole()
    assert next(log_home.lines())["prev"] == GENESIS


def test_the_log_is_for_its_owner_alone(log_home: LogHome) -> None:
    log_home.emit()
    log_home.export()

    assert stat.S_IMODE(log_home.log.stat().st_mode) == 0o600


def test_a_restart_goes_on_where_the_log_ends(log_home: LogHome) -> None:
    for _ in range(5):
        log_home.emit(7)
        log_home.export()

    assert log_home.is_whole()
    assert log_home.repairs() == []


def test_what_was_written_but_not_noted_is_not_written_twice(log_home: LogHome) -> None:
    log_home.emit(2000)
    exporter = log_home.exporter()
    exporter.export_new()  # and dies here: nothing was flushed or noted

    log_home.emit(5)
    log_home.export()

    assert log_home.is_whole()
    assert log_home.repairs() == []


def test_it_is_flushed_at_most_once_a_second_and_noted_only_then(log_home: LogHome) -> None:
    exporter = log_home.exporter()
    noted = []
    for now in (10.0, 10.5, 11.0, 11.5, 12.5):
        if now != 12.5:
            log_home.emit()
        exporter.export_new()
        noted.append((exporter.sync_if_due(now), log_home.meta("exported_seq")))
    exporter.close()

    assert noted == [(True, "1"), (False, "1"), (True, "3"), (False, "3"), (True, "4")]


def test_a_full_file_is_given_a_name_that_sorts_and_the_chain_goes_on(log_home: LogHome) -> None:
    exporter = log_home.exporter(SMALL)
    for _ in range(6):
        log_home.emit(40)
        exporter.export_new()
    exporter.close()

    names = [path.name for path in log_home.files()]
    assert len(names) > 5
    assert sorted(names[:-1]) == names[:-1]
    assert names[0].startswith("execution_log.000000000001-0000000000")
    assert all(path.stat().st_size < SMALL + 500 for path in log_home.files())
    assert log_home.is_whole()


def test_a_new_file_is_there_as_soon_as_one_is_full(log_home: LogHome) -> None:
    exporter = log_home.exporter(rotate_bytes=1)
    log_home.emit(3)
    exporter.export_new()

    assert log_home.log.read_bytes() == b""
    assert stat.S_IMODE(log_home.log.stat().st_mode) == 0o600
    assert last_logged(LogFiles(log_home.log)) == 3
    assert log_home.is_whole()

    begun = log_home.log.stat().st_ino
    log_home.emit(1)
    exporter.export_new()
    assert LogFiles(log_home.log).rotated()[-1].path.stat().st_ino == begun
    exporter.close()
    assert log_home.is_whole()


@pytest.mark.parametrize("is_there", [True, False], ids=["empty", "not yet made"])
def test_a_start_right_after_a_file_became_full_goes_on_in_an_empty_one(
    log_home: LogHome, is_there: bool
) -> None:
    log_home.emit(3)
    log_home.export(rotate_bytes=1)
    if not is_there:
        log_home.log.unlink()

    exporter = log_home.exporter()
    assert exporter.start_up() == []
    assert log_home.log.read_bytes() == b""
    log_home.emit(2)
    exporter.export_new()
    exporter.close()

    assert [line["seq"] for line in map(json.loads, log_home.log.read_bytes().splitlines())] == [4, 5]
    assert log_home.is_whole()
    assert log_home.repairs() == []


def test_a_crash_between_rename_and_create_is_gone_on_from(log_home: LogHome) -> None:
    log_home.emit(30)
    log_home.export()
    log_home.log.rename(log_home.log.with_name("execution_log.000000000001-000000000030.jsonl"))

    log_home.emit(3)
    log_home.export()

    assert log_home.is_whole()
    assert [line["seq"] for line in map(json.loads, log_home.log.read_bytes().splitlines())] == [31, 32, 33]
    assert log_home.repairs() == []


@pytest.mark.parametrize("act", ["delete", "empty", "replace", "append", "rename"])
def test_a_file_that_a_person_changes_under_the_daemon_is_put_right(log_home: LogHome, act: str) -> None:
    exporter = log_home.exporter()
    log_home.emit(10)
    exporter.export_new()
    exporter.sync()

    if act == "delete":
        log_home.log.unlink()
    elif act == "empty":
        os.truncate(log_home.log, 0)
    elif act == "replace":
        copy = log_home.log.with_name("copy")
        copy.write_bytes(log_home.log.read_bytes())
        copy.rename(log_home.log)
    elif act == "append":
        with log_home.log.open("ab") as handle:
            handle.write(b"a note of mine\n")
    else:
        log_home.log.rename(log_home.log.with_name("mine.jsonl"))
    log_home.emit(5)
    exporter.export_new()
    exporter.close()

    assert log_home.is_whole()


def test_a_symbolic_link_is_not_followed(log_home: LogHome, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    log_home.log.symlink_to(target)
    log_home.emit()

    with pytest.raises(StoreReadOnly, match="not a plain file"):
        log_home.exporter().export_new()

    assert target.read_bytes() == b"precious"


def test_a_pipe_in_its_place_is_refused_and_does_not_block(log_home: LogHome) -> None:
    os.mkfifo(log_home.log)
    log_home.emit()

    with pytest.raises(StoreReadOnly, match="not a plain file"):
        log_home.exporter().export_new()


def test_a_full_file_whose_name_is_taken_takes_nothing_away(log_home: LogHome) -> None:
    log_home.emit(8)
    exporter = log_home.exporter(SMALL)
    exporter.export_new()
    in_the_way = []
    for last in range(9, 30):
        path = log_home.log.with_name(f"execution_log.{1:012}-{last:012}.jsonl")
        path.write_bytes(b"mine")
        in_the_way.append(path)
    log_home.emit(30)
    exporter.export_new()
    exporter.close()

    assert log_home.log.with_name("execution_log.replaced-1.jsonl").read_bytes() == b"mine"

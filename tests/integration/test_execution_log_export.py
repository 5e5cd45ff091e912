"""The log holds every event once, in order, whatever happens to its file."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors import StoreReadOnly
from store.execution_log import GENESIS
from tests.unit.execution_log.log_home import LogHome

SMALL = 4096


@pytest.fixture
def log_home(tmp_path: Path) -> Iterator[LogHome]:
    home = LogHome(tmp_path)
    yield home
    home.close()


def codes(log_home: LogHome) -> list[str]:
    return [repair["code"] for repair in log_home.repairs()]


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


def test_a_crash_between_rename_and_create_is_gone_on_from(log_home: LogHome) -> None:
    log_home.emit(30)
    log_home.export()
    log_home.log.rename(log_home.log.with_name("execution_log.000000000001-000000000030.jsonl"))

    log_home.emit(3)
    log_home.export()

    assert log_home.is_whole()
    assert [line["seq"] for line in map(json.loads, log_home.log.read_bytes().splitlines())] == [31, 32, 33]
    assert log_home.repairs() == []


def test_a_tail_torn_at_any_byte_is_kept_aside_and_written_again(log_home: LogHome) -> None:
    log_home.emit(3)
    log_home.export()
    whole = log_home.log.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1

    for cut in range(last, len(whole)):
        log_home.log.write_bytes(whole[:cut])
        log_home.set_meta("exported_seq", "2")
        log_home.export()

        assert log_home.log.read_bytes().startswith(whole)
        torn = sorted(log_home.log.parent.glob("execution_log.torn-*"))
        assert [path.read_bytes() for path in torn] == ([whole[last:cut]] if cut > last else [])
        for path in torn:
            path.unlink()
    assert log_home.is_whole()
    assert set(codes(log_home)) == {"torn"}


@pytest.mark.parametrize(
    "garbage",
    [b"\x00" * 5000, b"\n\n\n", b"hello\nworld\n", b'{"seq":11}\n', b"\xff" * 300_000, b"{" * 70_000 + b"\n"],
)
def test_garbage_at_the_end_is_kept_aside(log_home: LogHome, garbage: bytes) -> None:
    log_home.emit(10)
    log_home.export()
    with log_home.log.open("ab") as handle:
        handle.write(garbage)

    log_home.emit(4)
    log_home.export()

    assert log_home.is_whole()
    assert log_home.log.with_name("execution_log.torn-1").read_bytes() == garbage
    (repair,) = log_home.repairs()
    assert (repair["code"], repair["file"], repair["bytes"]) == ("torn", "execution_log.torn-1", len(garbage))


def test_holes_that_a_power_cut_left_before_good_lines_are_found(log_home: LogHome) -> None:
    log_home.emit(1000)
    log_home.export()
    log_home.set_meta("exported_seq", "400")  # what was flushed; pages after it came back in any order
    whole = log_home.log.read_bytes()
    at = len(whole) // 2
    log_home.log.write_bytes(whole[:at] + bytes(4096) + whole[at + 4096 :])

    log_home.export()

    assert log_home.log.read_bytes().startswith(whole)
    assert log_home.is_whole()


def test_only_the_tail_is_read_at_start(log_home: LogHome) -> None:
    log_home.emit(20_000)
    log_home.export()
    whole = bytearray(log_home.log.read_bytes())
    whole[100] ^= 1
    log_home.log.write_bytes(whole)

    exporter = log_home.exporter()

    assert exporter.start_up() == []
    assert not log_home.verify().ok


@pytest.mark.parametrize("rotate", [2**40, SMALL])
def test_a_log_a_person_deleted_is_written_again(log_home: LogHome, rotate: int) -> None:
    log_home.emit(60)
    log_home.export(rotate)
    log_home.log.unlink()

    log_home.export(rotate)

    assert log_home.is_whole()
    assert codes(log_home) == ["missing"]


def test_a_log_that_was_cut_short_is_written_again_from_there(log_home: LogHome) -> None:
    log_home.emit(60)
    log_home.export()
    log_home.log.write_bytes(b"".join(log_home.log.read_bytes().splitlines(keepends=True)[:20]))

    log_home.export()

    assert log_home.is_whole()
    assert codes(log_home) == ["shorter"]


def test_a_log_that_was_emptied_is_written_again(log_home: LogHome) -> None:
    log_home.emit(60)
    log_home.export()
    log_home.log.write_bytes(b"")

    log_home.export()

    assert log_home.is_whole()


def test_the_log_of_another_home_is_moved_aside(log_home: LogHome, tmp_path: Path) -> None:
    other = LogHome(tmp_path / "other")
    other.emit(5, reason="another home")
    other.export()
    foreign = other.log.read_bytes()
    other.close()
    log_home.emit(10)
    log_home.export()
    log_home.log.write_bytes(foreign)

    log_home.export()

    assert log_home.is_whole()
    assert log_home.log.with_name("execution_log.foreign-1.jsonl").read_bytes() == foreign
    assert codes(log_home) == ["foreign"]


def test_a_log_that_is_ahead_of_a_restored_store_is_moved_aside(log_home: LogHome, tmp_path: Path) -> None:
    other = LogHome(tmp_path / "other")
    other.emit(100)
    other.export(SMALL)
    for path in other.files():
        path.rename(tmp_path / path.name)
    other.close()
    log_home.emit(3)

    log_home.export(SMALL)

    assert log_home.is_whole()
    assert len(list(tmp_path.glob("execution_log.foreign-*.jsonl"))) > 3
    assert set(codes(log_home)) == {"foreign"}


def test_a_damaged_end_of_a_full_file_is_repaired_before_going_on(log_home: LogHome) -> None:
    log_home.emit(100)
    log_home.export(SMALL)
    log_home.log.unlink(missing_ok=True)
    newest = log_home.files()[-1]
    newest.write_bytes(newest.read_bytes()[:-10])

    log_home.export(SMALL)

    assert log_home.is_whole()
    assert codes(log_home) == ["torn"]


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

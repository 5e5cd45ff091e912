"""At start the log is put right, whatever was done to it, and nothing that stood in it is thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.execution_log.log_home import LogHome

SMALL = 4096


@pytest.fixture
def log_home(tmp_path: Path) -> Iterator[LogHome]:
    home = LogHome(tmp_path)
    yield home
    home.close()


def codes(log_home: LogHome) -> list[str]:
    return [repair["code"] for repair in log_home.repairs()]


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


@pytest.mark.parametrize("is_there", [True, False], ids=["empty", "not yet made"])
def test_a_damaged_end_of_a_full_file_is_repaired_before_going_on(log_home: LogHome, is_there: bool) -> None:
    log_home.emit(100)
    log_home.export(SMALL)
    log_home.log.unlink(missing_ok=True)
    newest = log_home.files()[-1]
    if is_there:
        log_home.log.touch()
    newest.write_bytes(newest.read_bytes()[:-10])

    log_home.export(SMALL)

    assert log_home.is_whole()
    assert codes(log_home) == ["torn"]

"""Killed, or out of room, at any moment: the log has no gap and no line twice."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors import StoreFull
from store.execution_log import LogExporter
from tests.integration.exporting import kill_again_and_again, start_exporting
from tests.small_disk import resize, small_disk
from tests.unit.execution_log.log_home import LogHome

EXPORT_FOR_EVER = """
import sys, time
from pathlib import Path
from tests.unit.execution_log.log_home import LogHome

log_home = LogHome(Path(sys.argv[1]))
exporter = log_home.exporter(rotate_bytes=30_000)
exporter.export_new()
print("ready", flush=True)
while True:
    log_home.emit(17)
    exporter.export_new()
    exporter.sync_if_due(time.monotonic())
"""


@pytest.fixture
def log_home(tmp_path: Path) -> Iterator[LogHome]:
    home = LogHome(tmp_path)
    yield home
    home.close()


@pytest.mark.slow
def test_twenty_kills_leave_no_gap_and_no_duplicate(tmp_path: Path) -> None:
    kill_again_and_again(EXPORT_FOR_EVER, tmp_path, 20, random.Random(7))

    log_home = LogHome(tmp_path)
    seqs = log_home.seqs() if log_home.log.exists() else []
    assert seqs == list(range(1, len(seqs) + 1))  # also before anything is repaired
    log_home.export()
    assert log_home.is_whole()
    assert log_home.last_seq() > 400
    log_home.close()


@pytest.mark.parametrize("passage", [1, 2, 9])
def test_a_kill_right_after_a_write_repeats_nothing(tmp_path: Path, passage: int) -> None:
    with start_exporting(EXPORT_FOR_EVER, tmp_path, SKEP_FAULT=f"export.written:{passage}") as process:
        assert process.wait(30) == -signal.SIGKILL

    log_home = LogHome(tmp_path)
    log_home.export()
    assert log_home.is_whole()
    assert log_home.repairs() == []
    log_home.close()


def resumes_without_loss(log_home: LogHome, exporter: LogExporter) -> None:
    exporter.export_new()
    exporter.close()
    assert log_home.is_whole()
    assert log_home.repairs() == []


def test_a_file_size_limit_stops_the_log_at_a_whole_line_and_it_resumes(log_home: LogHome) -> None:
    exporter = log_home.exporter()
    log_home.emit(3)
    exporter.export_new()
    log_home.emit(200)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        for _ in range(3):
            with pytest.raises(StoreFull, match="disk is full"):
                exporter.export_new()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    written = log_home.log.read_bytes()
    assert written.endswith(b"\n")
    assert 9_000 < len(written) <= 10_000
    assert log_home.seqs() == list(range(1, exporter.exported + 1))
    resumes_without_loss(log_home, exporter)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    with small_disk(tmp_path, "256k") as point:
        yield point


def test_a_full_disk_pauses_the_log_and_nothing_is_lost(log_home: LogHome, disk: Path) -> None:
    log = disk / "execution_log.jsonl"
    exporter = LogExporter(log, 2**40, log_home.open_reader, log_home.writer)
    log_home.emit(2000)
    with pytest.raises(StoreFull):
        exporter.export_new()
    assert log.read_bytes().endswith(b"\n")
    stopped_at = exporter.exported
    with pytest.raises(StoreFull):
        exporter.export_new()

    resize(disk, "4m")
    log_home.emit(10)
    assert exporter.export_new() == 2010 - stopped_at
    exporter.close()

    log_home.log = log_home.home.log_file = log
    assert log_home.is_whole()


def test_a_full_disk_at_start_leaves_a_torn_tail_for_the_next_try(
    log_home: LogHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_home.emit(3)
    log_home.export()
    with log_home.log.open("ab") as handle:
        handle.write(b"torn")
    log_home.emit(3)
    exporter = log_home.exporter()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_room)
        with pytest.raises(StoreFull):
            exporter.export_new()
    assert log_home.log.read_bytes().endswith(b"torn")
    assert not log_home.log.with_name("execution_log.torn-1").exists()

    exporter.export_new()
    exporter.close()

    assert log_home.is_whole()
    assert log_home.log.with_name("execution_log.torn-1").read_bytes() == b"torn"


def test_a_half_line_that_cannot_be_taken_back_is_cut_later(
    log_home: LogHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = log_home.exporter()
    log_home.emit(3)
    exporter.export_new()
    log_home.emit(50)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda handle, data: write(handle, data[:700]))
        patch.setattr(os, "ftruncate", no_room)
        with pytest.raises(StoreFull):
            exporter.export_new()

    exporter.export_new()
    exporter.close()

    assert log_home.is_whole()


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "no room")

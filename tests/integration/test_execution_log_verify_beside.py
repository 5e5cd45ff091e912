"""The check is not fooled by archived files, unexported events, or a daemon that writes beside it."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.execution_log import VerifyResult
from tests.unit.execution_log.log_home import LogHome

SMALL = 4096


@pytest.fixture
def log_home(tmp_path: Path) -> Iterator[LogHome]:
    home = LogHome(tmp_path)
    yield home
    home.close()


def test_files_that_were_archived_away_are_no_error_but_are_told(log_home: LogHome) -> None:
    log_home.emit(100)
    log_home.export(SMALL)
    for path in log_home.files()[:2]:
        path.unlink()
    after_two = log_home.verify()
    for path in log_home.files()[:-1]:
        path.unlink()
    after_all = log_home.verify()
    log_home.emit(3)
    log_home.export(SMALL)

    assert after_two.ok
    assert "are not here" in after_two.note
    assert after_all.ok
    assert after_all.files == 1
    assert log_home.verify().ok
    assert log_home.repairs() == []


def test_the_first_line_of_a_later_file_is_missed_too(log_home: LogHome) -> None:
    log_home.emit(100)
    log_home.export(SMALL)
    for path in log_home.files()[:-1]:
        path.unlink()
    log_home.log.write_bytes(b"".join(log_home.log.read_bytes().splitlines(keepends=True)[1:]))

    assert not log_home.verify().ok


def test_events_that_are_not_exported_yet_are_no_error(log_home: LogHome) -> None:
    log_home.emit(5)
    log_home.export()
    log_home.emit(5)

    result = log_home.verify()

    assert result.ok
    assert result.lines == 5


def test_a_torn_tail_is_no_error_while_the_leader_lives(log_home: LogHome) -> None:
    log_home.emit(5)
    log_home.export()
    with log_home.log.open("ab") as handle:
        handle.write(b'{"seq":6,')
    log_home.home.leader_lock.touch()
    with log_home.home.leader_lock.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        beside_a_leader = log_home.verify()
    alone = log_home.verify()

    assert beside_a_leader.ok
    assert "still being written" in beside_a_leader.note
    assert alone.first_bad is not None
    assert "torn tail" in alone.first_bad.what
    assert alone.first_bad.line == 6


def test_a_line_that_becomes_whole_is_read_again(log_home: LogHome) -> None:
    log_home.emit(5)
    log_home.export()
    whole = log_home.log.read_bytes()
    log_home.log.write_bytes(whole[:-30])

    def finish() -> None:
        with log_home.log.open("ab") as handle:
            handle.write(whole[-30:])

    timer = threading.Timer(0.2, finish)
    timer.start()
    result = log_home.verify(patience_s=10)
    timer.join()

    assert result.ok
    assert result.lines == 5


def test_it_runs_beside_a_daemon_that_writes_and_rotates(log_home: LogHome) -> None:
    exporter = log_home.exporter(SMALL)
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.002):  # so that whoever verifies gets a turn on a busy machine
            log_home.emit(7)
            exporter.export_new()

    writing = threading.Thread(target=write)
    writing.start()
    results: list[VerifyResult] = []
    while len(results) < 20 or len(log_home.files()) < 12:
        results.append(log_home.verify(leader_runs=lambda: True, patience_s=5))
    over.set()
    writing.join()
    exporter.close()

    assert [result.first_bad for result in results] == [None] * len(results)
    assert results[-1].lines > results[0].lines
    assert log_home.is_whole()


def test_progress_ends_at_the_total(log_home: LogHome) -> None:
    log_home.emit(3000)
    log_home.export(200_000)
    seen: list[tuple[int, int]] = []

    log_home.verify(progress=lambda done, total: seen.append((done, total)))

    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] == sum(path.stat().st_size for path in log_home.files())

"""The database is damaged, and so is something that it is rebuilt from."""

from __future__ import annotations

import os

import pytest

from store.execution_log import LogFiles
from store.recovery import recover_if_damaged
from tests.unit.store_recovery.worked_home import WorkedHome


@pytest.fixture
def worked(tmp_path, clock):
    home = WorkedHome(tmp_path / "home", clock).open()
    yield home
    if home.store is not None:
        home.close()


def break_and_recover(home: WorkedHome):
    if home.store is not None:
        home.close()
    home.overwrite(0, bytes(100))
    recovered = home.recover()
    assert recovered is not None
    home.open()
    return recovered


def test_a_damaged_line_of_the_log_costs_itself_and_no_other(worked: WorkedHome) -> None:
    worked.do("a", "b", "c")
    worked.show()
    worked.close()
    lines = worked.home.log_file.read_bytes().splitlines(keepends=True)
    hit = next(at for at, line in enumerate(lines) if b'"task.approved","task_id":"a"' in line)
    lines[hit] = b"#" * (len(lines[hit]) - 1) + b"\n"
    worked.home.log_file.write_bytes(b"".join(lines))
    recovered = break_and_recover(worked)
    assert "Passed over as damaged: 1 line of the log." in recovered.message
    assert worked.states() == dict.fromkeys("abc", "approved")
    assert not worked.verify().ok


def test_a_torn_last_line_is_left_to_the_export(worked: WorkedHome) -> None:
    worked.do("a")
    worked.show()
    worked.close()
    with worked.home.log_file.open("ab") as log:
        log.write(b'{"seq":9')
    break_and_recover(worked)
    assert worked.states() == {"a": "approved"}
    assert [repair.code for repair in worked.exporter.start_up()] == ["torn"]
    assert worked.verify().ok


def test_a_log_of_another_home_is_not_used(worked: WorkedHome, tmp_path, clock) -> None:
    other = WorkedHome(tmp_path / "other", clock).open()
    other.do("x", "y", "z")
    other.show()
    other.close()
    worked.add("a")
    worked.show()
    worked.back_up()
    worked.close()
    worked.home.log_file.write_bytes(other.home.log_file.read_bytes())
    recovered = break_and_recover(worked)
    assert "does not belong" in recovered.message
    assert worked.states() == {"a": "ready"}


def test_an_unreadable_queue_file_is_said_and_left_as_it_is(worked: WorkedHome) -> None:
    worked.do("a")
    worked.show()
    worked.close()
    worked.home.queue_file.write_text('{"tasks": [')
    recovered = break_and_recover(worked)
    assert "queue.json cannot be read" in recovered.message
    assert worked.states() == {"a": "approved"}
    assert worked.home.queue_file.read_text() == '{"tasks": ['


def test_a_home_of_which_only_log_and_queue_file_were_saved_is_a_whole_home_again(
    worked: WorkedHome, tmp_path, clock
) -> None:
    worked.do("a")
    worked.add("b")
    worked.show()
    before = worked.states()
    worked.close()
    saved = tmp_path / "saved"
    saved.mkdir()
    for path in [
        worked.home.log_file,
        worked.home.queue_file,
        *(r.path for r in LogFiles(worked.home.log_file).rotated()),
    ]:
        os.link(path, saved / path.name)
    again = WorkedHome(saved, clock)
    assert recover_if_damaged(again.home, again.settings, clock) is not None
    again.open()
    assert again.states() == before
    assert again.verify().ok
    again.close()

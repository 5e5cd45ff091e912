"""A damaged database is kept, rebuilt from what is left, and nothing of it runs until a person agrees."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable

import pytest
from click.testing import CliRunner

import skep
from errors import NotFound
from store import backup, database
from tests.unit.store_recovery.worked_home import WorkedHome


def garble_the_middle(home: WorkedHome) -> None:
    size = home.home.database.stat().st_size
    home.overwrite(8192, b"\xa5" * (size - 12288))


def cut_it_short(home: WorkedHome) -> None:
    with home.home.database.open("r+b") as file:
        file.truncate(home.home.database.stat().st_size // 2 // 4096 * 4096)


def empty_it(home: WorkedHome) -> None:
    home.home.database.write_bytes(b"")


def replace_it_by_text(home: WorkedHome) -> None:
    home.home.database.write_text("a quick brown fox " * 1000)


def remove_it(home: WorkedHome) -> None:
    home.home.database.unlink()


def _in_place(home: WorkedHome, old: bytes, new: bytes) -> None:
    """Change bytes of the file that SQLite itself does not look at, once its log is put in."""
    with contextlib.closing(sqlite3.connect(home.home.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = home.home.database.read_bytes()
    assert old in data
    home.home.database.write_bytes(data.replace(old, new))
    with (
        contextlib.closing(sqlite3.connect(home.home.database)) as connection,
        contextlib.suppress(Exception),
    ):
        assert connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"


def spoil_the_schema(home: WorkedHome) -> None:
    _in_place(home, b"CREATE TABLE task (", b"CREATE \x92ABLE task (")


def spoil_a_letter_of_every_task(home: WorkedHome) -> None:
    _in_place(home, b'{"id":', b'{"\xffd":')


def spoil_the_json_of_every_task(home: WorkedHome) -> None:
    _in_place(home, b'{"id":', b'{"id"!')


def spoil_a_letter_of_every_event(home: WorkedHome) -> None:
    _in_place(home, b'{"lease":', b'{"\xffease":')


def spoil_the_json_of_every_event(home: WorkedHome) -> None:
    _in_place(home, b'{"lease":', b'{"lease"!')


def spoil_a_letter_of_every_worker(home: WorkedHome) -> None:
    _in_place(home, b"worker-test", b"worker-\xffest")


def leave_an_index_behind_its_table(home: WorkedHome) -> None:
    """Change a row while SQLite knows nothing of an index on it."""
    columns = "type, name, tbl_name, rootpage, sql"
    with contextlib.closing(sqlite3.connect(home.home.database)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        index = connection.execute(
            f"SELECT {columns} FROM sqlite_schema WHERE name = 'task_ready'"
        ).fetchone()
        connection.execute("DELETE FROM sqlite_schema WHERE name = 'task_ready'")
    with contextlib.closing(sqlite3.connect(home.home.database)) as connection, connection:
        connection.execute("UPDATE task SET priority = priority + 1")
    with contextlib.closing(sqlite3.connect(home.home.database)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(f"INSERT INTO sqlite_schema ({columns}) VALUES (?, ?, ?, ?, ?)", index)


def take_a_column_away(home: WorkedHome) -> None:
    with contextlib.closing(sqlite3.connect(home.home.database)) as connection, connection:
        connection.execute("ALTER TABLE decision RENAME COLUMN comment TO commment")


def make_every_event_s_fields_a_list(home: WorkedHome) -> None:
    with contextlib.closing(sqlite3.connect(home.home.database)) as connection, connection:
        connection.execute("UPDATE event SET data = '[1]'")


DAMAGE = [
    leave_an_index_behind_its_table,
    take_a_column_away,
    make_every_event_s_fields_a_list,
    spoil_a_letter_of_every_worker,
    spoil_a_letter_of_every_event,
    spoil_the_json_of_every_event,
    spoil_the_schema,
    spoil_a_letter_of_every_task,
    spoil_the_json_of_every_task,
    WorkedHome.zero_the_header,
    garble_the_middle,
    cut_it_short,
    empty_it,
    replace_it_by_text,
    remove_it,
]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("with_backup", [True, False], ids=["with a backup", "without a backup"])
def test_a_damaged_database_is_moved_aside_and_everything_is_there_again(
    worked: WorkedHome, damage: Callable[[WorkedHome], None], with_backup: bool
) -> None:
    if with_backup:
        worked.back_up()
    worked.go_on()
    before = worked.states()
    worked.close()
    damage(worked)
    broken = worked.home.database.read_bytes() if worked.home.database.exists() else None

    recovered = worked.recover()

    assert recovered is not None
    kept = recovered.moved_to / "state.db"
    assert (kept.read_bytes() if kept.exists() else None) == broken
    assert recovered.moved_to.stat().st_mode & 0o777 == 0o700
    database.check_integrity(worked.home.database)
    worked.open()
    assert worked.states() == before
    assert worked.verify().ok
    assert recovered.lost == []
    assert ("backup" in recovered.message) is with_backup


@pytest.mark.parametrize("with_backup", [True, False], ids=["with a backup", "without a backup"])
def test_nothing_runs_until_a_person_accepts_and_then_only_what_had_not_ended(
    worked: WorkedHome, with_backup: bool
) -> None:
    if with_backup:
        worked.back_up()
    worked.go_on()
    worked.close()
    worked.zero_the_header()
    recovered = worked.recover()
    assert recovered is not None
    worked.open()

    assert worked.claim() == []
    row = worked.opened.reader.task("waiting")
    assert row is not None
    assert recovered.decision in str(worked.opened.reader.waiting_for(row))
    question = worked.opened.reader.one("get_decision", id=recovered.decision)
    assert question is not None
    assert (question["kind"], json.loads(question["options"])) == ("recovery", ["accept", "wait"])
    assert recovered.moved_to.name in question["question"]
    assert worked.event("daemon.recovered")["decision"] == recovered.decision
    shown = CliRunner().invoke(skep.cli, ["--home", str(worked.home.root), "show", recovered.decision])
    assert shown.exit_code == 0
    assert recovered.moved_to.name in shown.output

    worked.accept(recovered)
    assert [claim.id for claim in worked.claim()] == ["waiting", "child"]


def test_resume_is_as_good_as_an_answer_and_wait_leaves_everything_paused(worked: WorkedHome) -> None:
    worked.show()
    worked.close()
    worked.zero_the_header()
    recovered = worked.recover()
    assert recovered is not None
    worked.open()
    worked.opened.reject(recovered.decision, "tester")
    assert worked.claim() == []
    worked.opened.resume("tester")
    assert [claim.id for claim in worked.claim()] == ["parent"]


def test_the_exported_lines_and_the_store_agree_byte_for_byte_and_the_log_goes_on(worked: WorkedHome) -> None:
    worked.back_up()
    worked.go_on()
    worked.close()
    log = worked.home.log_file.read_bytes()
    worked.zero_the_header()
    assert worked.recover() is not None
    worked.open()
    assert worked.exporter.start_up() == []
    result = worked.verify()
    assert (result.ok, result.note) == (True, "")
    assert worked.home.log_file.read_bytes().startswith(log)
    assert b"daemon.recovered" in worked.home.log_file.read_bytes()[len(log) :]


@pytest.mark.parametrize("with_backup", [True, False], ids=["with a backup", "without a backup"])
def test_a_log_of_many_files_is_read_from_all_of_them(tmp_path, clock, with_backup: bool) -> None:
    home = WorkedHome(tmp_path / "home", clock, log_rotate_bytes=4096).open()
    for number in range(20):
        home.do(f"task-{number}")
        home.export()
        if number == 12 and with_backup:
            home.back_up()
    home.show()
    before = home.states()
    home.close()
    assert len(list(home.home.root.glob("execution_log.*-*.jsonl"))) > 3
    home.zero_the_header()
    recovered = home.recover()
    assert recovered is not None
    home.open()
    assert home.states() == before
    assert home.verify().ok
    assert home.exporter.start_up() == []
    home.accept(recovered)
    assert home.claim() == []
    home.close()


@pytest.mark.parametrize("damage", [b"", bytes(200_000)], ids=["lost", "zero-filled"])
def test_a_lost_write_ahead_log_does_not_make_ended_tasks_run_again(
    worked: WorkedHome, tmp_path, damage: bytes
) -> None:
    worked.show()
    worked.opened.writer.checkpoint("TRUNCATE")
    worked.go_on()
    before = worked.states()
    crashed = worked.pull_the_plug(tmp_path / "crashed")
    wal = crashed.home.state / "state.db-wal"
    wal.write_bytes(damage[: wal.stat().st_size])
    recovered = crashed.recover()
    assert recovered is not None
    assert "itself" in recovered.message
    assert (recovered.moved_to / "state.db").exists()
    crashed.open()
    assert crashed.states() == before
    assert crashed.verify().ok
    crashed.accept(recovered)
    assert {claim.id for claim in crashed.claim()} == {"waiting", "child"}
    crashed.close()


def test_an_old_copy_put_back_by_hand_is_brought_up_to_date_by_the_log(worked: WorkedHome) -> None:
    worked.back_up()
    worked.go_on()
    before = worked.states()
    worked.close()
    shutil.copy(backup.newest(worked.home), worked.home.database)
    recovered = worked.recover()
    assert recovered is not None
    worked.open()
    assert worked.states() == before
    worked.accept(recovered)
    assert "done-late" not in {claim.id for claim in worked.claim()}


def test_the_older_backup_is_used_where_the_newer_is_damaged_too(worked: WorkedHome) -> None:
    worked.back_up()
    worked.do("between", priority=9)
    worked.back_up()
    worked.go_on()
    before = worked.states()
    worked.close()
    worked.zero_the_header()
    worked.overwrite(0, bytes(4096), "backup.db")
    assert worked.recover() is not None
    worked.open()
    assert worked.states() == before


def test_recovering_twice_keeps_both_damaged_databases(worked: WorkedHome) -> None:
    worked.go_on()
    before = worked.states()
    worked.close()
    worked.zero_the_header()
    first = worked.recover()
    worked.overwrite(0, bytes(4096))
    second = worked.recover()
    assert first is not None
    assert second is not None
    assert first.moved_to != second.moved_to
    assert all((each.moved_to / "state.db").exists() for each in (first, second))
    worked.open()
    assert worked.states() == before
    with pytest.raises(NotFound):
        worked.opened.approve(first.decision, "tester")
    worked.accept(second)
    assert {claim.id for claim in worked.claim()} == {"waiting", "child"}


def test_a_sound_home_and_a_new_one_are_left_alone(worked: WorkedHome, tmp_path, clock) -> None:
    worked.go_on()
    before = worked.states()
    worked.close()
    assert worked.recover() is None
    worked.open()
    assert worked.states() == before
    fresh = WorkedHome(tmp_path / "fresh", clock)
    assert fresh.recover() is None
    assert not fresh.home.root.exists()


@pytest.mark.parametrize("damage", [spoil_a_letter_of_every_event, spoil_the_json_of_every_event])
def test_what_meets_a_damaged_event_says_so_and_what_helps(
    worked: WorkedHome, damage: Callable[[WorkedHome], None]
) -> None:
    worked.export()
    worked.close()
    damage(worked)

    for verb in (["verify"], ["events"]):
        told = CliRunner().invoke(skep.cli, verb, env={"SKEP_HOME": str(worked.home.root)})

        assert told.exit_code == 3, verb
        assert "damaged" in told.stderr
        assert "Run `skep doctor` for the way out." in told.stderr
    found = json.loads(
        CliRunner().invoke(skep.cli, ["doctor", "--json"], env={"SKEP_HOME": str(worked.home.root)}).stdout
    )
    (store,) = [each for each in found["checks"] if each["check"] == "store"]
    assert store["level"] == "fail"
    assert "it rebuilds it from its copies" in store["way_out"]

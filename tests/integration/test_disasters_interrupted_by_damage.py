"""What ran or was being judged when the database broke: its effect decides, never chance."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from errors import AlreadyRunning, StoreCorrupt, StoreUnsupported
from store import backup
from store.execution_log.files import LogFiles
from store.recovery import recover, recover_if_damaged
from tests.unit.store_recovery.worked_home import WorkedHome

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def worked(tmp_path, clock):
    home = WorkedHome(tmp_path / "home", clock).open()
    yield home
    if home.store is not None:
        home.close()


def break_and_recover(home: WorkedHome, **options):
    if home.store is not None:
        home.close()
    home.overwrite(0, bytes(100))
    recovered = home.recover(**options)
    assert recovered is not None
    home.open()
    return recovered


@pytest.mark.parametrize("backup_when", ["never", "before the claim", "while it runs"])
@pytest.mark.parametrize("log_is_there", [True, False], ids=["with the log", "without the log"])
def test_a_running_task_runs_again_if_idempotent_and_waits_for_a_person_if_unsafe(
    worked: WorkedHome, backup_when: str, log_is_there: bool
) -> None:
    worked.add("safe", command="true", effect="idempotent")
    worked.add("risky", command="true", effect="unsafe")
    worked.show()
    if backup_when == "before the claim":
        worked.back_up()
    worked.claim("safe", "risky")
    worked.show()
    if backup_when == "while it runs":
        worked.back_up()
    worked.close()
    if not log_is_there:
        worked.home.log_file.unlink()
    recovered = break_and_recover(worked)
    assert worked.states() == {"safe": "ready", "risky": "review"}
    worked.accept(recovered)
    assert [claim.id for claim in worked.claim()] == ["safe"]
    worked.opened.approve("risky", "tester")
    assert worked.states()["risky"] == "approved"
    assert worked.verify().ok


def test_the_callers_word_on_effect_counts(worked: WorkedHome) -> None:
    worked.add("a", "b", command="true")
    worked.claim("a", "b")
    worked.show()
    break_and_recover(worked, effect_of=lambda task: "unsafe" if task.id == "b" else "idempotent")
    assert worked.states() == {"a": "ready", "b": "review"}


def test_an_attempt_that_ends_its_process_again_and_again_still_stops(worked: WorkedHome) -> None:
    worked.add("a", effect="idempotent", max_attempts=1)
    worked.claim("a")
    worked.show()
    break_and_recover(worked)
    assert worked.states() == {"a": "failed"}


def test_a_task_a_person_was_stopping_ends_as_cancelled(worked: WorkedHome) -> None:
    worked.add("a", effect="idempotent")
    worked.claim("a")
    worked.opened.cancel("a", "tester")
    worked.show()
    break_and_recover(worked)
    assert worked.states() == {"a": "cancelled"}


def test_attempts_leases_and_feedback_go_on_where_they_were(worked: WorkedHome) -> None:
    worked.add("a", prompt="think", max_attempts=5)
    (claim,) = worked.claim("a")
    worked.show()
    worked.back_up()
    worked.conclude(claim, "requeue")
    (claim,) = worked.claim("a")
    worked.conclude(claim, "requeue")
    before = worked.opened.reader.task("a")
    worked.show()
    recovered = break_and_recover(worked)
    after = worked.opened.reader.task("a")
    assert before is not None
    assert after is not None
    names = ("state", "attempts", "interruptions", "rejections", "retries", "lease", "feedback", "reason")
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
    worked.accept(recovered)
    (claim,) = worked.claim("a")
    assert (claim.attempt, claim.ref.lease, claim.feedback) == (3, 3, ["bad"])
    assert [row["became"] for row in worked.opened.reader.attempts(claim.seq)] == ["rejected", "rejected", None]


@pytest.mark.parametrize("backup_when", ["never", "before it was asked", "after it was asked"])
def test_a_result_that_waited_for_a_person_waits_again(worked: WorkedHome, backup_when: str) -> None:
    worked.add("a")
    if backup_when == "before it was asked":
        worked.back_up()
    (claim,) = worked.claim("a")
    worked.conclude(claim, "held")
    if backup_when == "after it was asked":
        worked.back_up()
    worked.show()
    recovered = break_and_recover(worked)
    row = worked.opened.reader.task("a")
    assert row is not None
    assert worked.opened.reader.waiting_for(row) == "a person: Is a good?"
    assert json.loads(row["result"])["result"] == "did a"
    worked.accept(recovered)
    assert worked.claim() == []
    worked.opened.approve("a", "tester")
    assert worked.states() == {"a": "approved"}


def test_a_question_answered_after_the_backup_is_not_asked_again(worked: WorkedHome) -> None:
    worked.add("a")
    (claim,) = worked.claim("a")
    worked.conclude(claim, "held")
    worked.back_up()
    worked.opened.approve("a", "tester", "fine")
    worked.show()
    break_and_recover(worked)
    assert worked.states() == {"a": "approved"}
    assert [row["kind"] for row in worked.opened.reader.decisions()] == ["recovery"]


def test_tokens_are_granted_once_for_a_task_whatever_was_lost(worked: WorkedHome) -> None:
    from store import recording

    grant = {
        "task_id": "a",
        "identity_id": "ada",
        "tokens_requested": 9,
        "tokens_awarded": 9,
        "budget_used": 10,
        "max_budget": 1_000_000,
        "confidence": 0.9,
        "reason": "worker_approved_under_budget:a",
    }
    worked.add("a", prompt="x", identity_id="ada", max_budget=1)
    worked.back_up()
    (claim,) = worked.claim("a")

    def approve(tx):
        row = tx.one("get_task", id=claim.id)
        recording.approve(tx, row, "critics", dict(grant), review_confidence=0.9, cost_micros=10)

    worked.opened.write(lambda tx: tx.run("to_review", seq=claim.seq, result=None))
    worked.opened.write(approve)
    before = [dict(row) for row in worked.opened.reader.all("grants")]
    worked.show()
    break_and_recover(worked)
    assert [dict(row) for row in worked.opened.reader.all("grants")] == before


def test_a_dependant_is_released_by_what_the_log_says_and_fails_by_what_it_says(worked: WorkedHome) -> None:
    worked.add("good")
    worked.add("bad", max_attempts=1)
    worked.add("after-good", depends_on=["good"])
    worked.add("after-bad", depends_on=["bad"])
    worked.add("after-nobody", depends_on=["nobody"])
    worked.back_up()
    good, bad = worked.claim("good", "bad")
    worked.conclude(good)
    worked.conclude(bad, "failed")
    worked.show()
    recovered = break_and_recover(worked)
    assert worked.states() == {
        "good": "approved",
        "bad": "failed",
        "after-good": "ready",
        "after-bad": "failed",
        "after-nobody": "blocked",
    }
    worked.accept(recovered)
    assert [claim.id for claim in worked.claim()] == ["after-good"]
    worked.opened.retry("bad", "tester")
    assert worked.states()["after-bad"] == "blocked"


def test_a_firing_of_a_schedule_is_not_made_twice(worked: WorkedHome) -> None:
    worked.add("tick", every="0 * * * *")
    worked.back_up()
    worked.clock.advance(3600)
    assert worked.opened.promote_due() == 1
    (claim,) = worked.claim()
    worked.conclude(claim)
    worked.show()
    recovered = break_and_recover(worked)
    assert worked.states()[claim.id] == "approved"
    assert worked.opened.promote_due() == 0
    worked.accept(recovered)
    assert worked.claim() == []


# -- what else may be damaged ------------------------------------------------------------------------------


def test_a_damaged_line_of_the_log_costs_itself_and_no_other(worked: WorkedHome) -> None:
    worked.do("a", "b", "c")
    worked.show()
    worked.close()
    lines = worked.home.log_file.read_bytes().splitlines(keepends=True)
    hit = next(at for at, line in enumerate(lines) if b'"task.approved","task_id":"a"' in line)
    lines[hit] = b"#" * (len(lines[hit]) - 1) + b"\n"
    worked.home.log_file.write_bytes(b"".join(lines))
    recovered = break_and_recover(worked)
    assert "1 lines of the log are damaged" in recovered.message
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


# -- the rebuilding itself breaks off ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "step", ["rebuild", "_move_away", "_put_in_place", "shutil.rmtree"], ids=lambda step: step.strip("_")
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rebuilding_that_is_killed_at_any_step_is_done_by_the_next_start(
    worked: WorkedHome, step: str, when: str
) -> None:
    worked.do("a")
    worked.add("b")
    worked.show()
    worked.back_up()
    worked.do("c", priority=1)
    worked.show()
    before = worked.states()
    worked.close()
    worked.overwrite(0, bytes(100))
    broken = worked.home.database.read_bytes()

    program = f"""
import os, signal
from pathlib import Path
from settings import Home, Settings
from store.recovery import recover
owner, name = recover, {step!r}
if "." in name:
    owner, name = recover.shutil, "rmtree"
inner = getattr(owner, name)
def killed(*args, **options):
    if {when!r} == "after":
        inner(*args, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, killed)
recover.recover_if_damaged(Home(Path({str(worked.home.root)!r})), Settings(disk_free_bytes=0))
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False)
    assert ended.returncode == -signal.SIGKILL

    worked.recover()
    kept = [path / "state.db" for path in worked.home.state.glob("damaged-*") if (path / "state.db").exists()]
    assert [path.read_bytes() for path in kept] == [broken]
    assert not list(worked.home.state.glob("state.db.rebuilt*"))
    worked.open()
    assert worked.states() == before
    assert worked.verify().ok
    assert [row["kind"] for row in worked.opened.reader.decisions()] == ["recovery"]
    assert worked.claim() == []


def test_where_the_damaged_files_cannot_be_moved_the_way_out_is_said_and_nothing_is_lost(
    worked: WorkedHome, monkeypatch
) -> None:
    worked.do("a")
    worked.show()
    worked.close()
    worked.overwrite(0, bytes(100))
    broken = worked.home.database.read_bytes()

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(recover, "_move_away", refuse)
    with pytest.raises(StoreCorrupt, match="move state.db, state.db-wal and state.db-shm away yourself"):
        worked.recover()
    assert worked.home.database.read_bytes() == broken
    monkeypatch.undo()
    assert worked.recover() is not None


def test_nothing_is_moved_while_a_worker_uses_the_store(worked: WorkedHome) -> None:
    worked.do("a")
    worked.show()
    worked.close()
    worked.overwrite(0, bytes(100))
    with (
        filelock.FileLock(worked.home.leader_lock),
        pytest.raises(AlreadyRunning, match="Stop it and start again"),
    ):
        worked.recover()
    assert not list(worked.home.state.glob("damaged-*"))


def test_a_backup_of_a_newer_skep_is_not_touched(worked: WorkedHome) -> None:
    import sqlite3

    worked.do("a")
    worked.show()
    worked.back_up()
    worked.close()
    worked.overwrite(0, bytes(100))
    connection = sqlite3.connect(backup.newest(worked.home))
    connection.execute("PRAGMA user_version=999")
    connection.close()
    with pytest.raises(StoreUnsupported, match="newer Skep"):
        worked.recover()
    assert worked.home.database.read_bytes()[:100] == bytes(100)


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
    for path in [worked.home.log_file, worked.home.queue_file, *(r.path for r in LogFiles(worked.home.log_file).rotated())]:
        os.link(path, saved / path.name)
    again = WorkedHome(saved, clock)
    assert recover_if_damaged(again.home, again.settings, clock) is not None
    again.open()
    assert again.states() == before
    assert again.verify().ok
    again.close()

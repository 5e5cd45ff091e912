"""What queue.json is good for when the database is damaged: words, ends, and edits nobody else knows of."""

from __future__ import annotations

import json

import pytest

from tests.unit.store_recovery.worked_home import WorkedHome


@pytest.fixture
def worked(tmp_path, clock):
    """A home on which all kinds of things happened, with its log and queue file up to date."""
    home = WorkedHome(tmp_path / "home", clock).open()
    home.do("done-early")
    home.add("later", not_before=clock.now() + 3600)
    home.add("child", depends_on=["parent"], priority=-5)
    home.add("parent", prompt="think", priority=5)
    yield home
    if home.store is not None:
        home.close()


def go_on(home: WorkedHome) -> None:
    """What happened after the backup."""
    parent, *_ = home.claim("parent")
    home.conclude(parent)
    home.do("done-late", "done-late-2")
    home.do("bad", end="failed", max_attempts=1)
    home.add("waiting", priority=7, tags=["x"])
    home.show()


def zero_the_header(home: WorkedHome) -> None:
    home.overwrite(0, bytes(100))


def test_without_log_and_backup_the_queue_file_alone_keeps_ended_tasks_from_running_again(
    worked: WorkedHome,
) -> None:
    go_on(worked)
    worked.close()
    worked.home.log_file.unlink()
    zero_the_header(worked)
    recovered = worked.recover()
    assert recovered is not None
    worked.open()
    states = worked.states()
    assert {states[name] for name in ("done-early", "done-late", "done-late-2", "parent")} == {"approved"}
    assert states["bad"] == "failed"
    worked.accept(recovered)
    assert {claim.id for claim in worked.claim()} == {"waiting", "child"}
    assert worked.verify().ok


def test_with_an_old_backup_and_no_log_the_queue_file_still_knows_what_has_ended(worked: WorkedHome) -> None:
    worked.show()
    worked.back_up()
    go_on(worked)
    worked.close()
    worked.home.log_file.unlink()
    zero_the_header(worked)
    recovered = worked.recover()
    assert recovered is not None
    worked.open()
    worked.keeper.look()
    worked.accept(recovered)
    assert {claim.id for claim in worked.claim()} == {"waiting", "child"}
    assert worked.states()["parent"] == "approved"


def test_a_task_whose_text_nobody_knows_any_more_is_shown_as_failed_with_the_way_out(
    worked: WorkedHome,
) -> None:
    worked.show()
    worked.add("lost", command="touch precious")
    worked.add("lost-child", depends_on=["lost"])
    worked.export()
    worked.close()
    zero_the_header(worked)
    recovered = worked.recover()
    assert recovered is not None
    assert recovered.lost == ["lost", "lost-child"]
    assert "lost" in recovered.message
    worked.open()
    row = worked.opened.reader.task("lost")
    assert row is not None
    assert (row["state"], row["code"]) == ("failed", "invalid_task")
    assert "write it again" in row["reason"]
    queue = json.loads(worked.home.queue_file.read_text())
    queue["failed"] = [{"id": "lost", "command": "true"}]
    worked.home.queue_file.write_text(json.dumps(queue))
    worked.keeper.look()
    assert worked.states()["lost"] == "ready"
    assert worked.states()["lost-child"] == "failed"


def test_the_rebuilt_queue_file_says_what_it_said_and_no_edit_is_made_up(worked: WorkedHome) -> None:
    worked.back_up()
    go_on(worked)
    shown = json.loads(worked.home.queue_file.read_text())
    worked.close()
    zero_the_header(worked)
    recovered = worked.recover()
    assert recovered is not None
    worked.open()
    refusals = [worked.count(kind) for kind in ("task.edit_refused", "task.edit_conflict", "task.edited")]
    assert refusals == [0, 0, 0]
    worked.accept(recovered)
    worked.show()
    again = json.loads(worked.home.queue_file.read_text())
    assert again["revision"] > shown["revision"]

    def lists(queue):
        return {
            key: {task["id"]: task["status"] for task in queue[key]}
            for key in ("tasks", "completed", "failed")
        }

    assert lists(again) == lists(shown)


def test_a_save_made_while_the_database_was_broken_still_counts(worked: WorkedHome) -> None:
    worked.back_up()
    go_on(worked)
    worked.close()
    zero_the_header(worked)
    queue = json.loads(worked.home.queue_file.read_text())
    for task in queue["tasks"]:
        if task["id"] == "waiting":
            task["priority"] = 99
    queue["tasks"].append({"id": "brand-new", "command": "true"})
    worked.home.queue_file.write_text(json.dumps(queue))
    recovered = worked.recover()
    assert recovered is not None
    worked.open()
    worked.accept(recovered)
    assert [claim.id for claim in worked.claim()] == ["waiting", "brand-new", "child"]
    row = worked.opened.reader.task("waiting")
    assert row is not None
    assert row["priority"] == 99


def test_an_edit_after_the_backup_is_taken_from_the_queue_file(worked: WorkedHome) -> None:
    worked.add("edited", command="true", priority=1)
    worked.show()
    worked.back_up()
    queue = json.loads(worked.home.queue_file.read_text())
    for task in queue["tasks"]:
        if task["id"] == "edited":
            task["command"] = "echo other"
    worked.home.queue_file.write_text(json.dumps(queue))
    worked.show()
    worked.close()
    zero_the_header(worked)
    assert worked.recover() is not None
    worked.open()
    row = worked.opened.reader.task("edited")
    assert row is not None
    assert json.loads(row["doc"])["command"] == "echo other"

"""What queue.json is good for when the database is damaged: words, ends, and edits nobody else knows of."""

from __future__ import annotations

import json

from tests.unit.store_recovery.worked_home import WorkedHome


def test_without_log_and_backup_the_queue_file_alone_keeps_ended_tasks_from_running_again(
    worked: WorkedHome,
) -> None:
    worked.go_on()
    worked.close()
    worked.home.log_file.unlink()
    worked.zero_the_header()
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
    worked.go_on()
    worked.close()
    worked.home.log_file.unlink()
    worked.zero_the_header()
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
    worked.zero_the_header()
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
    worked.go_on()
    shown = json.loads(worked.home.queue_file.read_text())
    worked.close()
    worked.zero_the_header()
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
    worked.go_on()
    worked.close()
    worked.zero_the_header()
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
    worked.zero_the_header()
    assert worked.recover() is not None
    worked.open()
    row = worked.opened.reader.task("edited")
    assert row is not None
    assert json.loads(row["doc"])["command"] == "echo other"

"""What another program wrote of its tasks: what it says is done does not run again."""

from __future__ import annotations

from tests.unit.queue_file.keeping import Keeping


def test_ended_tasks_of_a_foreign_file_are_entered_as_ended(keeping: Keeping) -> None:
    keeping.save(
        {
            "tasks": [
                {"id": "a", "prompt": "x", "status": "needs_qa"},
                {"id": "b", "prompt": "x", "status": "queued"},
                {"id": "done", "prompt": "x", "status": "completed", "result_summary": "it went well"},
                {"id": "part", "prompt": "x", "status": "subtask_completed"},
                {"id": "waits", "prompt": "x", "depends_on": ["done"]},
            ],
            "completed": [{"id": "c", "whatever": 1, "result_summary": "good"}],
            "failed": [{"id": "d", "prompt": "x"}],
        }
    )
    keeping.round()

    assert keeping.statuses() == {
        "a": "approved", "b": "pending", "c": "approved", "d": "failed",
        "done": "approved", "part": "approved", "waits": "pending",
    }  # fmt: skip
    assert keeping.entry("c")["result_summary"] == "good"
    assert keeping.entry("done")["result_summary"] == "it went well"
    row = keeping.store.reader.task("waits")
    assert row is not None
    assert row["state"] == "ready"


def test_a_known_task_is_not_approved_by_the_word_that_it_is_completed(keeping: Keeping) -> None:
    keeping.put({"id": "a", "prompt": "x"})
    keeping.edit(lambda queue: queue["tasks"][0].update(status="completed"))
    keeping.round()

    assert keeping.statuses() == {"a": "pending"}

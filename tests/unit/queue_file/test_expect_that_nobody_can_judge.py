"""What could never be judged is refused by the file and by an edit; what came in before the rule stays."""

from __future__ import annotations

import json

from runtime_contract import Limits, normalize_task
from store.queue_file import report
from store.records import Intake, NewTask
from tests.unit.queue_file.keeping import Keeping

NO_SCHEMA = {"schema": {"type": "foo"}}


def test_a_new_entry_costs_itself_and_names_the_field(keeping: Keeping) -> None:
    keeping.put({"id": "a", "prompt": "x", "expect": NO_SCHEMA}, {"id": "b", "prompt": "x"})

    assert keeping.statuses() == {"a": "failed", "b": "pending"}
    assert keeping.entry("a")["reason"].startswith("tasks[0].expect.schema: is not a JSON Schema")


def test_it_is_told_before_the_file_is_taken_in() -> None:
    file = {"tasks": [{"id": "a", "prompt": "x", "expect": {"files": ["../x"]}}]}

    (problem,) = report.check(json.dumps(file).encode(), Limits()).problems

    assert problem["path"] == "tasks[0].expect.files[0]"
    assert problem["rule"] == "must be a file of the workspace, relative to it, got '../x'"


def test_files_outside_that_a_task_declares_cost_it_unless_it_was_done_elsewhere(keeping: Keeping) -> None:
    away = {"prompt": "x", "files_created": ["/etc/passwd"]}
    keeping.put({"id": "new", **away}, {"id": "done", "status": "completed", **away})

    assert keeping.statuses() == {"new": "failed", "done": "approved"}
    assert keeping.entry("new")["reason"].startswith("tasks[0].files_created[0]: must be a file of")

    file = keeping.shown()
    file["failed"].append({"id": "broken", **away, "files_created": ["../x"]})
    keeping.save(file)
    keeping.round()
    assert "raw" not in keeping.doc("broken")


def test_declared_files_of_an_old_task_keep_no_edit_of_the_rest_away_and_new_ones_are_refused(
    keeping: Keeping,
) -> None:
    raw = {"id": "old", "prompt": "x", "artifacts": ["/tmp/x"]}
    keeping.store.submit(Intake(new=[NewTask(*normalize_task(raw, Limits(), is_expect_known=True))]), "test")
    keeping.put({"id": "a", "prompt": "x"})
    keeping.round()

    keeping.edit(lambda file: file["tasks"][0].update(priority=3))
    keeping.round()
    keeping.edit(lambda file: file["tasks"][0].update(artifacts=["/tmp/y"]))
    keeping.round()

    assert (keeping.doc("old")["priority"], keeping.doc("old")["artifacts"]) == (3, ["/tmp/x"])
    assert [each["path"] for each in keeping.events("task.edit_refused")] == ["task.artifacts[0]"]


def test_an_edit_to_it_is_refused_and_an_old_one_keeps_no_edit_of_the_rest_away(keeping: Keeping) -> None:
    raw = {"id": "old", "prompt": "x", "expect": {"files": ["/etc/passwd"]}}
    old = NewTask(*normalize_task(raw, Limits(), is_expect_known=True))
    keeping.store.submit(Intake(new=[old]), "test")
    keeping.put({"id": "a", "prompt": "x"})
    keeping.round()

    file = keeping.shown()
    by_id = {entry["id"]: entry for entry in file["tasks"]}
    by_id["a"]["expect"] = NO_SCHEMA
    by_id["old"]["priority"] = 3
    keeping.save(file)
    keeping.round()

    assert [each["path"] for each in keeping.events("task.edit_refused")] == ["task.expect.schema"]
    assert keeping.doc("old")["priority"] == 3

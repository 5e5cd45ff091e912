"""A name is shown everywhere, so it must not be a secret."""

from __future__ import annotations

import pytest

from tests.unit.queue_file.keeping import Keeping


@pytest.mark.parametrize("field", ["id", "model", "identity_id", "run_id"])
def test_a_name_that_is_a_secret_is_refused_and_shown_by_no_event(keeping: Keeping, field: str) -> None:
    secret = "ghp_" + "a1B2c3D4" * 5
    keeping.put({"id": "a", "prompt": "x"} | {field: secret})

    (task_id,) = keeping.statuses()
    assert keeping.status(task_id) == "failed"
    assert keeping.entry(task_id)["reason"].endswith(
        f"{field}: looks like a secret, and names are shown everywhere"
    )
    assert all(secret not in row["data"] + str(row["task_id"]) for row in keeping.store.reader.events())


SECRET = "ghp_" + "a1B2c3D4" * 5


def everything_told(keeping: Keeping) -> str:
    return "".join(f"{row['data']}{row['task_id']}" for row in keeping.store.reader.events())


@pytest.mark.parametrize("field", ["model", "identity_id", "run_id"])
def test_an_edit_that_makes_a_name_a_secret_is_refused(keeping: Keeping, field: str) -> None:
    keeping.put({"id": "a", "prompt": "x", "not_before": "2099-01-01T00:00:00Z"})
    keeping.edit(lambda content: content["tasks"][0].update({field: SECRET}))
    keeping.round()

    (refused,) = keeping.events("task.edit_refused")
    assert refused["path"] == f"task.{field}"
    row = keeping.store.reader.task("a")
    assert row is not None
    assert row["version"] == 1
    assert SECRET not in everything_told(keeping)


def test_a_dependency_that_is_a_secret_is_refused_new_and_by_an_edit(keeping: Keeping) -> None:
    keeping.put(
        {"id": "a", "prompt": "x", "depends_on": [SECRET]}, {"id": "b", "prompt": "y", "not_before": 4e9}
    )
    keeping.edit(lambda content: content["tasks"][-1].update({"depends_on": ["a-other", SECRET]}))
    keeping.round()

    assert [each["path"] for each in keeping.events("task.edit_refused")] == ["task.depends_on"]
    assert len(keeping.events("task.refused")) == 1
    assert SECRET not in everything_told(keeping)


def test_a_secret_that_is_the_name_of_a_field_is_shown_by_no_event(keeping: Keeping) -> None:
    keeping.put({"id": "a", "prompt": "x", "expect": {SECRET: 1}}, {"id": "b", "prompt": "x", SECRET: 1})

    assert "expect" in keeping.events("task.refused")[0]["path"]
    assert SECRET not in everything_told(keeping)

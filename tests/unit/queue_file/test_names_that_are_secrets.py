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

"""A task of a daemon's run whose time is up says so, and so does its run."""

from __future__ import annotations

from pathlib import Path

from runs import views
from tests.integration.road_rig import RoadRig


def test_a_task_whose_last_attempt_timed_out_fails_by_that_name(tmp_path: Path) -> None:
    with RoadRig(tmp_path / "home") as rig:
        tasks = [{"id": "a", "argv": ["sleep", "20"], "timeout_ms": 200}]
        asked = {"id": "r", "tasks": tasks, "policy": {"retry": {"max_attempts": 1}}}
        answer = rig.client.post("/api/v1/runs", json=asked)
        assert answer.status_code == 202, answer.text

        rig.road().walk(rig.reclaim())

        row = rig.store.reader.one("get_run", id="r")
        assert row is not None
        told = views.whole(rig.store.reader, row)
    assert (told["tasks"]["a"]["error"]["code"], told["error"]["code"]) == ("timeout", "timeout")

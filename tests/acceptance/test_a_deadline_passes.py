"""A result that nobody judges in time ends on the safe side, also where the daemon was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.running_daemon import RunningDaemon

pytestmark = pytest.mark.acceptance


def ends(daemon: RunningDaemon, task_id: str) -> list[str]:
    return [event["event"] for event in daemon.events(task_id) if event["event"] == "task.failed"]


def test_what_nobody_judges_fails_once_and_what_depends_on_it_never_runs(tmp_path: Path) -> None:
    daemon = RunningDaemon(tmp_path / "home", SKEP_DECISION_DEADLINE_S="5")
    daemon.add_to_queue(
        {"id": "draft", "command": "echo hello", "review": "human"},
        {"id": "send", "command": "echo sent", "depends_on": ["draft"]},
    )
    try:
        daemon.start("--no-panel")
        daemon.wait_until(
            lambda tasks: tasks.get("draft", {}).get("status") == "pending_review", "a question"
        )
        assert "or its task fails" in daemon.skep("review").stdout
        daemon.kill_everything()
        daemon.start("--no-panel")
        tasks = daemon.wait_for_ends("draft", "send")
    finally:
        daemon.kill_everything()

    assert {name: task["status"] for name, task in tasks.items()} == {"draft": "failed", "send": "failed"}
    assert tasks["draft"]["reason"].startswith("nobody answered by ")
    assert (ends(daemon, "draft"), ends(daemon, "send")) == (["task.failed"], ["task.failed"])

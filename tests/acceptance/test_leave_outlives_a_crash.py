"""A command that waits for a person's leave, and the plug pulled before the question, at it, and after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testing.running_daemon import RunningDaemon

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]

SETTINGS = """
[profiles.agent]
argv = ["printf", "%s", "got: {prompt}"]
"""


@pytest.fixture
def daemon(tmp_path: Path):
    running = RunningDaemon(tmp_path / "home", SKEP_PROJECT_INTERVAL_S="0.1", SKEP_PROJECT_QUIET_S="0.02")
    (running.root / "skep.toml").write_text(SETTINGS)
    yield running
    running.kill_everything()


def asks(tasks: dict) -> bool:
    return "t" in tasks and tasks["t"]["status"] == "pending_review"


def test_it_is_asked_once_and_runs_once_wherever_the_plug_is_pulled(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    daemon.add_to_queue({"id": "t", "profile": "agent", "prompt": "mend; the roof"})
    daemon.start("--no-panel", SKEP_FAULT=f"claim.committed:1@{tmp_path}/once")
    daemon.wait_until(asks, "the question, by the worker that came after the one that was killed")
    daemon.kill_everything()

    shown = json.loads(daemon.skep("show", "t", "--json").stdout)
    assert shown["decision"]["payload"]["argv"][-1] == "got: mend; the roof"
    assert daemon.skep("approve", "t").stdout == "t runs.\n"
    daemon.start("--no-panel", SKEP_FAULT=f"claim.committed:1@{tmp_path}/twice")
    tasks = daemon.wait_for_ends("t")

    assert (tasks["t"]["status"], tasks["t"]["attempts"]) == ("approved", 3), "two were cut off"
    kinds = [event["event"] for event in daemon.events("t")]
    assert kinds.count("decision.asked") == kinds.count("decision.answered") == 1
    assert kinds.count("task.completed") == 1
    assert daemon.skep("log", "t").stdout == "got: mend; the roof"
    assert daemon.stop() == 0
    assert json.loads(daemon.skep("verify", "--json").stdout)["ok"]


def test_a_queue_file_cannot_bring_its_own_profile_or_leave(daemon: RunningDaemon) -> None:
    daemon.add_to_queue(
        {"id": "t", "profile": "agent", "prompt": "x", "approval": False, "rights": {"network": True},
         "profiles": {"agent": {"argv": ["rm", "{prompt}"]}}, "argv_template": ["rm"], "status": "pending"},
        {"id": "u", "profile": "mine", "prompt": "x", "profiles": {"mine": {"argv": ["echo", "{prompt}"]}}},
    )  # fmt: skip
    daemon.start("--no-panel")

    daemon.wait_for_ends("u")
    tasks = daemon.wait_until(asks, "the question")

    assert tasks["u"]["status"] == "safety_blocked"
    assert "declared: agent" in tasks["u"]["reason"]
    shown = json.loads(daemon.skep("show", "t", "--json").stdout)["decision"]["payload"]
    assert shown["argv"][0] == "/usr/bin/printf"
    assert shown["rights"]["network"] is False


def test_a_wrong_file_of_commands_stops_the_start_with_the_key(daemon: RunningDaemon) -> None:
    (daemon.root / "config").mkdir()
    (daemon.root / "config" / "commands.toml").write_text("programs.ls.optoins = []")

    told = daemon.skep("up", "--until-idle", "--no-panel")

    assert told.returncode != 0
    assert "config/commands.toml: programs.ls.optoins is not a key that is known here" in told.stderr

"""kill -9 while a result is checked, and while the workspace is kept after its approval.

Afterwards the result is approved once, its check said one word, and the checkpoint that the approval made due
is there: whatever died, nothing was approved unchecked and nothing was forgotten.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.acceptance.conservation import check_nothing_is_lost, settled

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

PROFILE = """
[profiles.copy]
argv = ["cp", "{prompt}", "copied.txt"]
workspace = "write"
approval = false
effect = "idempotent"
"""


@pytest.fixture
def home(daemon):
    """A home with a program that may write, and something for it to copy."""
    settings = daemon.root / "skep.toml"
    told = settings.read_text("utf-8") if settings.exists() else ""
    settings.write_text(told + PROFILE, "utf-8")
    (daemon.root / "workspace").mkdir(exist_ok=True)
    (daemon.root / "workspace" / "source.txt").write_text("words")
    return daemon


def task(name: str = "t", **fields):
    return {
        "id": name,
        "profile": "copy",
        "prompt": "source.txt",
        "expect": {"commands": ["cat", "copied.txt"]},
    } | fields


def kept(home) -> list[str]:
    """The files that the newest checkpoint holds."""
    command = ["git", "--git-dir", str(home.root / ".swarm" / "checkpoints.git")]
    found = subprocess.run(
        [*command, "ls-tree", "-r", "--name-only", "checkpoints"], capture_output=True, text=True, check=True
    )
    return found.stdout.split()


def checkpoints(home, name: str = "t") -> list[str]:
    return [each["event"] for each in home.events(name) if each["event"].startswith("checkpoint.")]


def gates(home) -> dict[str, str]:
    path = home.root / "quality_gate_queue.json"
    changes = json.loads(path.read_text("utf-8"))["changes"] if path.exists() else {}
    return {name: change["status"] for name, change in changes.items()}


@pytest.mark.parametrize(
    ("point", "time_of_passing"),
    [
        ("check.sent", 1),
        ("cycle.running", 2),
        ("cycle.recorded", 2),
        ("checkpoint.written", 1),
    ],
)
def test_a_result_is_checked_and_kept_once_wherever_a_process_dies(point, time_of_passing, home, tmp_path):
    marker = tmp_path / "died"
    home.start("--no-panel", SKEP_FAULT=f"{point}:{time_of_passing}@{marker}")
    home.add_to_queue(task())
    tasks = settled(home, ["t"])
    home.wait_until(lambda _: bool(checkpoints(home)), "its checkpoint")
    assert marker.exists(), f"no process ever passed {point} so often"
    assert tasks["t"]["status"] == "approved"
    events = check_nothing_is_lost(home, ["t"])["t"]
    judged = [each for each in events if each["event"] == "task.pending_review"]
    assert [each["critic"] for each in judged[-1]["review_critics"]] == ["critics", "command:0"]
    assert len(judged) == 1
    assert checkpoints(home) == ["checkpoint.made"]
    assert kept(home) == ["copied.txt", "source.txt"]


def test_a_checkpoint_that_is_due_when_everything_dies_is_made_by_the_next_start(home, tmp_path):
    home.start("--no-panel")
    home.add_to_queue(task("first"))
    home.wait_for_ends("first")
    home.wait_until(lambda _: bool(checkpoints(home, "first")), "the first checkpoint")
    home.stop()
    marker = tmp_path / "died"
    home.start("--no-panel", SKEP_FAULT=f"checkpoint.written:1@{marker}")
    (home.root / "workspace" / "source.txt").write_text("other words")
    home.add_to_queue(task("t"))
    home.wait_until(lambda _: marker.exists(), "the worker's death")
    home.kill_everything()
    assert home.tasks()["t"]["status"] == "approved"
    home.start("--no-panel")
    home.wait_until(lambda _: bool(checkpoints(home)), "its checkpoint")
    home.wait_until(lambda _: gates(home) == {"first": "needs_qa", "t": "needs_qa"}, "the gates")
    check_nothing_is_lost(home, ["first", "t"])
    assert home.skep("rollback", "t", "--before", "--yes").returncode == 0
    assert (home.root / "workspace" / "copied.txt").read_text() == "words"


def test_a_result_that_its_check_rejects_is_never_approved_whatever_dies(home, tmp_path):
    marker = tmp_path / "died"
    home.start("--no-panel", SKEP_FAULT=f"cycle.recorded:2@{marker}")
    home.add_to_queue(task(expect={"commands": ["cat", "missing.txt"]}, max_attempts=2, identity_id="bee"))
    tasks = settled(home, ["t"])
    assert marker.exists()
    assert tasks["t"]["status"] == "failed"
    events = check_nothing_is_lost(home, ["t"])["t"]
    names = [each["event"] for each in events]
    assert (names.count("task.requeue"), "task.approved" in names) == (1, False)
    assert not any(each.get("phase5_reward_applied") for each in events)


def test_a_critic_that_never_answers_properly_leaves_one_question_whatever_dies(home, model, tmp_path):
    marker = tmp_path / "died"
    home.start("--no-panel", SKEP_FAULT=f"cycle.running:2@{marker}")
    home.add_to_queue({"id": "m", "prompt": "do [m]", "review": "critic"})
    tasks = settled(home, ["m"])
    assert marker.exists()
    assert tasks["m"]["status"] == "pending_review"
    assert "could not judge" in tasks["m"]["waiting_for"]
    assert 2 <= len(model.times_of("[m]")) <= 3
    check_nothing_is_lost(home, ["m"])

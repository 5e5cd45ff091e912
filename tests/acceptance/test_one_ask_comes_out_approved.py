"""One line of queue.json, that of `examples/one-ask`, all the way: split, told, judged, paid, together."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from runtime_contract import validate_queue_contract
from settings import Settings
from testing.model_server import ModelRequest, ModelServer, Reply
from testing.running_daemon import REPOSITORY, RunningDaemon

pytestmark = [pytest.mark.xdist_group("one-ask"), pytest.mark.acceptance, pytest.mark.timeout(180)]

EXAMPLE = REPOSITORY / "examples" / "one-ask"
IDS = ["bees", "bees.1", "bees.2", "bees.3", "bees.4"]


def answer(request: ModelRequest) -> Reply:
    """Answers as a model would, but for a press release that shouts until it is told not to."""
    own = request.prompt.rpartition("TASK:\n")[2]
    if "Write a press release" in own and "earlier answer to this was rejected" not in request.prompt:
        return Reply(text="Bees find their way by the sun, says the press release!")
    if "summary for children" in own and "was done in parts" not in own:
        return Reply(text="Bees look at the sun to find their way home. " * 30)
    return Reply(
        text="Honey bees find their way by the sun. This research was checked, and the summary is right."
    )


@pytest.fixture(scope="module")
def model():
    with ModelServer() as server:
        server.answer = answer
        yield server


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, model):
    """A home as the README of the example makes it, with the loopback model server for a model."""
    running = RunningDaemon(
        tmp_path_factory.mktemp("home") / "honey",
        SKEP_LLM_BASE_URL=model.url,
        SKEP_LLM_MODEL="m",
        SKEP_LLM_PRICE_INPUT="0.1",
        SKEP_LLM_PRICE_OUTPUT="0.4",
        SKEP_RETRY_BASE_S="0.01",
        SKEP_PROJECT_INTERVAL_S="0.1",
    )
    kept = (running.root / "skep.toml").read_text("utf-8") if (running.root / "skep.toml").exists() else ""
    for name in ("queue.json", "skep.toml"):
        shutil.copyfile(EXAMPLE / name, running.root / name)
    with (running.root / "skep.toml").open("a", encoding="utf-8") as settings:
        settings.write(kept)  # what this machine's sandbox needs
    running.start("--no-panel")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ended(daemon):
    return daemon.wait_for_ends(*IDS)


@pytest.fixture(scope="module")
def tree(daemon, ended):
    return json.loads(daemon.skep("show", "bees", "--tree", "--json").stdout)["tree"]


def test_the_files_of_the_example_are_good(tmp_path: Path):
    queue = json.loads((EXAMPLE / "queue.json").read_text("utf-8"))
    assert validate_queue_contract(queue) == []
    assert len(queue["tasks"]) == 1
    Settings.model_validate(tomllib.loads((EXAMPLE / "skep.toml").read_text("utf-8")))
    readme = (EXAMPLE / "README.md").read_text("utf-8")
    assert all(verb in readme for verb in ("skep init", "skep plan", "skep up", "skep show bees --tree"))


def test_one_line_comes_out_approved_with_its_subtasks(ended):
    assert {name: ended[name]["status"] for name in IDS} == dict.fromkeys(IDS, "approved")


def test_the_tree_shows_who_waited_for_whom_with_receipts_reviews_and_rewards(daemon, tree):
    assert [(each["id"], each["depends_on"]) for each in tree["subtasks"]] == [
        ("bees.1", []),
        ("bees.2", ["bees.1"]),
        ("bees.3", ["bees.1"]),
        ("bees.4", ["bees.1", "bees.2", "bees.3"]),
    ]
    for node in [tree, *tree["subtasks"]]:
        receipt = node["receipt"]
        assert receipt["review_verdict"] == "APPROVE"
        assert receipt["model"] == "m"
        assert receipt["tool_route"]
        assert receipt["cost_micros"] > 0
        assert receipt["phase5_reward_tokens_awarded"] > 0
    told = daemon.skep("show", "bees", "--tree").stdout
    assert re.search(
        r"bees\.4 +approved .*after bees\.1, bees\.2, bees\.3; m \$0\.\d+; APPROVE 0\.\d+; \d+ tokens", told
    )
    assert re.search(r"must not +Do not use exclamation marks\.", told)


def test_drift_is_shown_and_rejects_nothing_and_a_violation_was_tried_again(daemon, tree, ended):
    summary = tree["subtasks"][1]
    assert summary["receipt"]["drift"] == ["the answer has 300 words: Keep each text under 200 words."]
    assert "drifted: the answer has 300 words" in daemon.skep("show", "bees", "--tree").stdout
    assert ended["bees.3"]["attempts"] == 2
    issues = [event["review_issues"] for event in daemon.events("bees.3") if event.get("review_issues")]
    assert "it must not: Do not use exclamation marks." in issues[0][0]


def test_every_prompt_began_with_the_intent_of_the_whole(model, ended):
    prompts = [request.prompt for request in model.requests]
    assert len(prompts) == 6  # five answers, and one that was sent back
    for prompt in prompts:
        block = prompt.partition("=== END OF INTENT ===")[0]
        assert "Goal: Research how honey bees find their way" in block
        assert "Must not:\n- Do not use exclamation marks." in block


def test_the_events_tell_the_plan_every_subtask_every_review_and_every_reward(daemon, ended):
    events = daemon.events("bees")
    kinds = [event["event"] for event in events]
    assert kinds.count("task.planned") == 1
    assert kinds.count("task.subtask_started") == 5  # the one that was sent back started twice
    assert kinds.count("task.subtask_completed") == 4
    (planned,) = [event for event in events if event["event"] == "task.planned"]
    assert planned["phase4_subtasks"] == IDS[1:]
    assert planned["phase4_intent"]["must_nots"] == ["Do not use exclamation marks."]
    for name in IDS:
        approved = [event for event in daemon.events(name) if event["event"] == "task.approved"]
        assert [event["phase5_reward_applied"] for event in approved] == [True]


def test_the_parts_together_stay_within_the_budget(daemon, ended):
    costs = [
        event["cost_micros"]
        for name in IDS
        for event in daemon.events(name)
        if event["event"] == "task.completed"
    ]
    assert 0 < sum(costs) <= 500_000
    assert daemon.skep("verify").returncode == 0

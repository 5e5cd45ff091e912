"""Phase 4: a complex ask becomes subtasks that keep its intent, and its answer is put together from theirs.

Each test drives a real daemon through the files and commands a person uses, and reads as the specification.
"""

from __future__ import annotations

import json
import re
import threading

import pytest

from runtime_contract import KNOWN_EXECUTION_STATUSES
from testing.model_server import ModelRequest, ModelServer, Reply
from testing.running_daemon import RunningDaemon

pytestmark = pytest.mark.xdist_group("phase-4")

ASK = (
    "Research the history of honey bees, then write a summary and a press release from it, "
    "and finally check both against the style guide. Do not use jargon."
)
INTENT = "=== INTENT of the whole task: keep to it ==="


class Scribe:
    """A model that answers each part with words of its own, and fails where a test wants it."""

    def __init__(self) -> None:
        #: pieces of prompts whose answers are empty, which no critic accepts
        self.fails: set[str] = set()
        #: pieces of prompts whose answers never begin
        self.hangs: set[str] = set()

    def answer(self, request: ModelRequest) -> Reply:
        own = own_words(request)
        if any(piece in own for piece in self.fails):
            return Reply(text="")
        hold = threading.Event() if any(piece in own for piece in self.hangs) else None
        return Reply(text=f"[answer to: {own}]", hold=hold)


def own_words(request: ModelRequest) -> str:
    """What a request asks for itself: the last line of its task."""
    task = request.prompt.rpartition("TASK:\n")[2].partition("\n\nAn earlier answer")[0]
    return task.partition("\n\nThe task above was done in parts")[0].strip().split("\n")[-1]


@pytest.fixture(scope="module")
def scribe():
    return Scribe()


@pytest.fixture(scope="module")
def model(scribe):
    with ModelServer() as server:
        server.answer = scribe.answer
        yield server


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, model):
    running = RunningDaemon(
        tmp_path_factory.mktemp("home"),
        SKEP_LLM_BASE_URL=model.url,
        SKEP_LLM_MODEL="m",
        SKEP_RETRY_BASE_S="0.01",
        SKEP_PROJECT_INTERVAL_S="0.1",
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def bees(daemon):
    """One line in the queue; every end of it."""
    daemon.add_to_queue(
        {"id": "bees", "prompt": ASK, "max_budget": 0.1, "identity_id": "ada", "tags": ["honey"]}
    )
    return daemon.wait_for_ends("bees")


def prompts(model: ModelServer, words: str) -> list[str]:
    """The prompts of requests that ask for something themselves."""
    return [
        request.prompt
        for request in model.requests
        if words in own_words(request) and "was done in parts" not in request.prompt
    ]


def test_the_vocabulary_has_the_subtasks():
    assert {"subtask_started", "subtask_completed", "subtask_failed"} <= KNOWN_EXECUTION_STATUSES


def test_one_ask_comes_out_approved_and_its_subtasks_are_ordinary_tasks_in_the_queue(bees):
    assert {name: task["status"] for name, task in bees.items()} == dict.fromkeys(
        ["bees", "bees.1", "bees.2", "bees.3", "bees.4"], "approved"
    )
    assert [bees[f"bees.{number}"]["depends_on"] for number in (1, 2, 3, 4)] == [
        [],
        ["bees.1"],
        ["bees.1"],
        ["bees.2", "bees.3"],
    ]
    assert bees["bees.2"]["tags"] == ["honey"]


def test_the_plan_and_each_subtask_are_told_in_the_history_of_the_ask(daemon, bees):
    statuses = daemon.statuses("bees")
    assert [status for status in statuses if not status.startswith("subtask_")] == [
        *["queued", "in_progress", "queued"],
        *["in_progress", "completed", "pending_review", "approved"],
    ]
    assert statuses[3:5] == statuses[9:11] == ["subtask_started", "subtask_completed"]
    (planned,) = [event for event in daemon.events("bees") if event["event"] == "task.planned"]
    assert planned["status"] == "queued"
    assert planned["phase4_plan_generated"] is True
    assert planned["phase4_complexity_score"] == 7
    assert planned["phase4_features"] == ["deliverables", "steps", "chain", "research"]
    assert planned["phase4_subtasks"] == ["bees.1", "bees.2", "bees.3", "bees.4"]
    assert planned["phase4_subtasks_added"] == 4
    assert planned["phase4_intent"]["must_nots"] == ["Do not use jargon."]
    for kind in ("subtask_started", "subtask_completed"):
        told = [event["subtask_id"] for event in daemon.events("bees") if event["status"] == kind]
        assert sorted(told) == planned["phase4_subtasks"]


def test_splitting_spends_no_attempt(bees):
    assert bees["bees"]["attempts"] == 1


def test_the_intent_stands_first_in_every_prompt_that_comes_of_the_ask(model, bees):
    of_bees = [request.prompt for request in model.requests if "honey bees" in request.prompt]
    assert len(of_bees) == 5
    for prompt in of_bees:
        block = prompt.partition("=== END OF INTENT ===")[0]
        assert INTENT in block.split("\n")[:2]
        assert "Must not:\n- Do not use jargon." in block


def test_a_part_is_given_the_answers_it_builds_on_and_no_others(model, bees):
    (summary,) = prompts(model, "Write a summary from it")
    assert '{"source": "bees.1", "text": "[answer to: Research the history of honey bees]"}' in summary
    (check,) = prompts(model, "Check both against the style guide")
    assert re.findall(r'"source": "([^"]+)"', check) == ["bees.2", "bees.3"]
    (research,) = prompts(model, "Research the history of honey bees")
    assert '"source"' not in research


def test_the_last_step_puts_the_answers_together_with_the_whole_ask_before_it(model, daemon, bees):
    last = [request.prompt for request in model.requests if "was done in parts" in request.prompt]
    assert len(last) == 1
    assert re.findall(r'"source": "([^"]+)"', last[0]) == ["bees.1", "bees.2", "bees.3", "bees.4"]
    assert f"TASK:\n{ASK}" in last[0]
    assert daemon.skep("log", "bees").stdout.startswith("[answer to:")


def test_the_budget_is_shared_and_never_passed(daemon, bees):
    shares = [
        json.loads(daemon.skep("show", f"bees.{number}", "--json").stdout)["task"]["max_budget"]
        for number in (1, 2, 3, 4)
    ]
    assert shares == [0.016667, 0.016667, 0.016667, 0.016666]


def test_queue_json_shows_whose_part_a_task_is(daemon, bees):
    def shown() -> dict:
        queue = json.loads((daemon.root / "queue.json").read_text())
        return {task["id"]: task for task in queue["completed"]}

    daemon.wait_until(lambda _: "bees" in shown(), "the ask among the completed")
    assert shown()["bees.3"]["phase4_parent_task"] == "bees"
    assert shown()["bees"]["prompt"] == ASK
    assert "depends_on" not in shown()["bees"]


def test_the_tree_is_shown_with_the_intent(daemon, bees):
    told = daemon.skep("show", "bees", "--tree").stdout
    assert re.search(r"bees\.4 .*approved.*Check both", told)
    tree = json.loads(daemon.skep("show", "bees", "--tree", "--json").stdout)["tree"]
    assert [each["id"] for each in tree["subtasks"]] == ["bees.1", "bees.2", "bees.3", "bees.4"]
    assert tree["intent"]["goal"].startswith("Research the history")


def test_a_simple_ask_just_runs(daemon, model):
    before = len(model.requests)
    daemon.add_to_queue({"id": "simple", "prompt": "Write a haiku about bees, wasps, and hornets."})
    daemon.wait_for_ends("simple")
    assert [name for name in daemon.tasks() if name.startswith("simple")] == ["simple"]
    assert len(model.requests) == before + 1
    assert INTENT not in model.requests[-1].prompt


def test_never_keeps_an_ask_whole_and_always_splits_a_small_one(daemon):
    daemon.add_to_queue(
        {"id": "whole", "prompt": ASK, "decompose": "never"},
        {"id": "pair", "prompt": "Write a haiku and a limerick.", "decompose": "always"},
    )
    tasks = daemon.wait_for_ends("whole", "pair")
    assert not any(name.startswith("whole.") for name in tasks)
    assert {name for name in tasks if name.startswith("pair.")} == {"pair.1", "pair.2"}


def test_what_is_quoted_in_an_ask_is_never_a_task(daemon):
    daemon.add_to_queue({"id": "quoted", "prompt": f'Translate "{ASK}" into German.', "decompose": "always"})
    tasks = daemon.wait_for_ends("quoted")
    assert not any(name.startswith("quoted.") for name in tasks)


def test_a_failed_subtask_fails_the_ask_by_name_and_a_retry_keeps_what_is_approved(daemon, scribe, model):
    scribe.fails = {"draft of a song"}
    ask = "Follow these steps:\n1. Collect facts on rye\n2. Write a draft of a song\n3. Translate the song"
    daemon.add_to_queue({"id": "song", "prompt": ask, "max_attempts": 2})
    tasks = daemon.wait_for_ends("song", "song.1", "song.2", "song.3")
    assert [tasks[name]["status"] for name in ("song", "song.1", "song.2", "song.3")] == [
        "failed",
        "approved",
        "failed",
        "cancelled",
    ]
    assert "its subtask song.2 ended failed" in tasks["song"]["reason"]
    assert "`skep retry song`" in tasks["song"]["reason"]

    scribe.fails = set()
    before = len(prompts(model, "Collect facts on rye"))
    assert daemon.skep("retry", "song").returncode == 0
    tasks = daemon.wait_for_ends("song", "song.2", "song.3")
    assert {tasks[name]["status"] for name in ("song", "song.1", "song.2", "song.3")} == {"approved"}
    assert len(prompts(model, "Collect facts on rye")) == before
    assert daemon.statuses("song").count("subtask_failed") == 2
    assert [event["event"] for event in daemon.events("song")].count("task.planned") == 1


def test_cancelling_an_ask_cancels_its_subtasks(daemon, scribe):
    scribe.hangs = {"poem on tea"}
    ask = "- Write a poem on tea\n- Write a song on rye\n- Translate the poem into French"
    daemon.add_to_queue({"id": "dropped", "prompt": ask})
    daemon.wait_until(
        lambda tasks: (
            tasks.get("dropped.1", {}).get("status") == "in_progress"
            and tasks["dropped.2"]["status"] == "approved"
        ),
        "the first subtask under way",
    )
    assert daemon.skep("cancel", "dropped").returncode == 0
    tasks = daemon.wait_for_ends("dropped", "dropped.1", "dropped.2", "dropped.3")
    assert [tasks[name]["status"] for name in ("dropped", "dropped.1", "dropped.2", "dropped.3")] == [
        "cancelled",
        "cancelled",
        "approved",
        "cancelled",
    ]


def test_a_plan_is_shown_before_anything_is_queued(daemon, tmp_path):
    before = daemon.tasks().keys()
    told = daemon.skep("plan", ASK)
    assert told.returncode == 0
    assert "Check both against the style guide" in told.stdout
    plan = json.loads(daemon.skep("plan", "--json", ASK).stdout)
    assert [each["depends_on"] for each in plan["subtasks"]] == [
        [],
        ["task.1"],
        ["task.1"],
        ["task.2", "task.3"],
    ]
    assert plan["score"] == 7
    assert plan["intent"]["must_nots"] == ["Do not use jargon."]
    assert daemon.tasks().keys() == before
    assert daemon.skep("verify").returncode == 0

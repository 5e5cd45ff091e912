"""kill -9 while a task is split, while its parts run, and while their answers are put together.

Afterwards there is one whole plan: every part once, nothing that was approved asked again (counted by the
model server, which sees each call), and the task itself approved.
"""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.acceptance.conservation import check_nothing_is_lost, settled
from tests.acceptance.witness import ModelWitness

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

PARTS = [
    "Collect facts on rye",
    "Write a draft of a song",
    "Write a poem on tea",
    "Compare the song with the poem",
]
ASK = "\n".join(f"{number}. {part}" for number, part in enumerate(PARTS, 1))
IDS = ["p", *(f"p.{number}" for number in range(1, len(PARTS) + 1))]


def asked(model: ModelWitness) -> Counter[str]:
    """How often each part, and the whole, was asked for."""
    found: Counter[str] = Counter()
    for call in model.calls():
        own = call["prompt"].rpartition("TASK:\n")[2]
        found["the whole" if "was done in parts" in own else own.strip()] += 1
    return found


@pytest.mark.parametrize(
    ("point", "time_of_passing"),
    [
        ("plan.before_commit", 1),
        ("plan.committed", 1),
        ("claim.committed", 2),
        ("cycle.running", 2),
        ("cycle.recorded", 3),
        ("review.before_commit", 4),
        ("review.committed", 4),
        ("claim.before_commit", 4),
        ("cycle.sent", 5),
        ("review.before_commit", 9),
    ],
)
def test_there_is_one_whole_plan_wherever_a_process_dies(point, time_of_passing, daemon, model, tmp_path):
    marker = tmp_path / "died"
    daemon.start("--no-panel", SKEP_FAULT=f"{point}:{time_of_passing}@{marker}")
    daemon.add_to_queue({"id": "p", "prompt": ASK})
    daemon.wait_until(lambda tasks: "p" in tasks and len(tasks) == len(IDS), "the plan")
    tasks = settled(daemon, IDS)
    assert marker.exists(), f"no process ever passed {point} so often"
    assert {name: task["status"] for name, task in tasks.items()} == dict.fromkeys(IDS, "approved")
    events = check_nothing_is_lost(daemon, IDS)
    assert [event["event"] for event in events["p"]].count("task.planned") == 1
    claims = {name: [event["event"] for event in events[name]].count("task.in_progress") for name in IDS}
    for name, count in asked(model).items():
        task_id = "p" if name == "the whole" else f"p.{PARTS.index(name) + 1}"
        # a call more than one needs a claim more: what was cut off was nobody's result
        assert 1 <= count <= claims[task_id], (name, count, claims)
    assert set(asked(model)) == {"the whole", *PARTS}


def test_when_everything_dies_at_once_the_plan_is_there_at_the_next_start(daemon, model):
    daemon.start("--no-panel")
    daemon.add_to_queue({"id": "p", "prompt": ASK})
    daemon.wait_until(lambda tasks: "p.1" in tasks, "the plan")
    daemon.kill_everything()
    daemon.start("--no-panel")
    tasks = settled(daemon, IDS)
    assert {task["status"] for task in tasks.values()} == {"approved"}
    shown = json.loads(daemon.skep("show", "p", "--tree", "--json").stdout)["tree"]
    assert [each["id"] for each in shown["subtasks"]] == IDS[1:]


@pytest.mark.parametrize(
    "point", ["plan.proposed", "claim.committed", "plan.before_commit", "plan.committed"]
)
def test_there_is_one_whole_plan_where_a_model_is_asked_for_it(point, daemon, model, tmp_path):
    marker = tmp_path / "died"
    daemon.start("--no-panel", SKEP_FAULT=f"{point}:1@{marker}", SKEP_PLAN_MODEL="split")
    daemon.add_to_queue({"id": "p", "prompt": ASK})
    tasks = settled(daemon, IDS)
    assert marker.exists(), f"no process ever passed {point}"
    assert {name: task["status"] for name, task in tasks.items()} == dict.fromkeys(IDS, "approved")
    events = check_nothing_is_lost(daemon, IDS)
    kinds = [event["event"] for event in events["p"]]
    assert kinds.count("task.planned") == 1
    assert kinds.count("task.proposal_refused") >= 1  # what this server says is no plan
    assert any("You plan a task" in call["prompt"] for call in model.calls())


@pytest.mark.parametrize("point", ["plan.committed", "review.before_commit"])
def test_a_plan_that_waits_for_a_person_is_asked_once_and_entered_once(point, daemon, tmp_path):
    marker = tmp_path / "died"
    daemon.start("--no-panel", SKEP_FAULT=f"{point}:1@{marker}")
    daemon.add_to_queue({"id": "p", "prompt": ASK, "plan_review": True})
    daemon.wait_until(lambda tasks: tasks.get("p", {}).get("status") == "pending_review", "the question")
    daemon.kill_everything()
    daemon.start("--no-panel", SKEP_FAULT=f"{point}:1@{marker}")
    assert daemon.tasks().keys() == {"p"}
    assert daemon.skep("approve", "p").returncode == 0
    daemon.kill_everything()
    daemon.start("--no-panel", SKEP_FAULT=f"{point}:1@{marker}")
    tasks = settled(daemon, IDS)
    assert marker.exists()
    assert {task["status"] for task in tasks.values()} == {"approved"}
    kinds = [event["event"] for event in check_nothing_is_lost(daemon, IDS)["p"]]
    assert (kinds.count("decision.asked"), kinds.count("task.planned")) == (1, 1)

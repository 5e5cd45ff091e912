"""Tools that run: only what the home's own files make of the stored prompt, and as every command does."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import recording, tool_uses
from testing.model_script import Reply
from testing.model_server import ModelServer
from tests.integration.road_rig import RoadRig

TOOLS = """
[[tool]]
name = "count-lines"
description = "Counts the lines of a text file."
examples = ["count the lines of {file}"]
argv = ["wc", "-l", "{file}"]

[[tool]]
name = "save-work"
description = "Commits everything in the repository."
examples = ["commit everything with the message {message}"]
argv = ["git", "commit", "-a", "-m", "{message}"]

[[tool]]
name = "count-bees"
description = "Counts the bees."
examples = ["count the bees of {file}"]
argv = ["no-such-tool", "{file}"]

[[tool]]
name = "ask-agent"
description = "Hands a question over to the agent."
profile = "agent"
"""
AGENT = {"argv": ["/bin/echo", "agent:", "{prompt}"], "network": False}
COUNT = "count the lines of notes.txt"


@pytest.fixture
def model():
    with ModelServer(Reply(text="three, I think")) as server:
        yield server


@pytest.fixture
def rig(tmp_path: Path, model: ModelServer):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/tools.toml").write_text(TOOLS, "utf-8")
    (tmp_path / "config/commands.toml").write_text('programs.no-such-tool.arguments = "text*"\n')
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace/notes.txt").write_text("one\ntwo\nthree\n", "utf-8")
    with RoadRig(tmp_path, llm_base_url=model.url, llm_model="m", profiles={"agent": AGENT}) as rig:
        yield rig


def uses(rig: RoadRig, name: str) -> tuple[int, int, int, int]:
    return tool_uses.uses(rig.store.reader).get(name, (0, 0, 0, 0))


def asked(rig: RoadRig, task_id: str) -> str | None:
    """The kind of the open question about a task."""
    row = rig.store.reader.one("open_decision_of", id=task_id)
    return None if row is None else row["kind"]


def body(**changes):
    """What the worker sends for a tool's command."""
    plain = {"mode": "local", "prompt": None, "argv": ["wc", "-l", "notes.txt"], "tool": "count-lines"}
    return plain | changes


def test_a_tool_s_command_is_executed_for_a_stored_prompt(rig: RoadRig) -> None:
    claim = rig.claim(prompt=COUNT)
    answer = rig.cycle(claim, **body()).json()
    assert (answer["status"], answer["mode"], answer["output"]) == ("completed", "local", "3 notes.txt\n")
    attempt = rig.attempt(claim)
    assert (attempt["tool"], attempt["tool_effect"]) == ("count-lines", "idempotent")
    audited = rig.store.reader.all("last_audit", limit=50)
    assert any((row["event"], row["decision"]) == ("execution", "allowed") for row in audited)


@pytest.mark.parametrize(
    ("prompt", "changes"),
    [
        (COUNT, {"argv": ["wc", "-l", "other.txt"]}),
        (COUNT, {"argv": ["cat", "notes.txt"]}),
        (COUNT, {"tool": "no-such-tool"}),
        (COUNT, {"tool": "save-work"}),
        (COUNT, {"argv": None, "command": "wc -l notes.txt"}),
        (COUNT, {"argv": None, "profile": "agent", "prompt": COUNT}),
        ("write a poem", {}),
    ],
)
def test_a_call_that_is_not_what_the_tool_makes_of_the_prompt_is_refused(rig, prompt, changes) -> None:
    claim = rig.claim(prompt=prompt)
    answer = rig.cycle(claim, **body(**changes))
    assert answer.status_code == 403
    assert answer.json()["rule"] == "not-the-task"
    assert rig.attempt(claim)["swarm"] is None


def test_a_command_s_task_takes_no_tool(rig: RoadRig) -> None:
    assert rig.cycle(rig.claim(command="true"), **body()).status_code == 403


def test_a_tool_that_came_a_moment_ago_is_known_to_the_execution_api_at_once(rig: RoadRig) -> None:
    file = rig.home.root / "config/tools.toml"
    file.write_text(TOOLS.replace("count-lines", "tally-lines"), "utf-8")
    answer = rig.cycle(rig.claim(prompt=COUNT), **body(tool="tally-lines"))
    assert answer.json()["output"] == "3 notes.txt\n"


def test_the_road_runs_it_counts_it_and_asks_no_model(rig: RoadRig, model: ModelServer) -> None:
    claim = rig.claim(prompt=COUNT, max_budget=0.01)
    rig.road().walk(claim)
    assert rig.row(claim.id)["state"] == "approved"
    assert model.requests == []
    hits, approvals, rejections, saved = uses(rig, "count-lines")
    assert (hits, approvals, rejections) == (1, 1, 0)
    assert saved > 0
    (completed,) = [event for event in rig.events("task.completed") if event["task_id"] == claim.id]
    assert '"tool_outcome":"run"' in completed["data"].replace(" ", "")


def test_a_profile_answers_with_the_rights_it_has(rig: RoadRig) -> None:
    claim = rig.claim(prompt="ask-agent: what is new?")
    road = rig.road()
    road.walk(claim)
    assert asked(rig, claim.id) == "execution"
    rig.store.approve(claim.id, "test", None)
    road.walk(rig.reclaim())
    assert rig.row(claim.id)["state"] == "approved"
    assert "agent: ask-agent: what is new?" in rig.row(claim.id)["result"]


def test_a_result_that_a_person_rejects_counts_and_the_model_answers_next(rig, model) -> None:
    claim = rig.claim(prompt=COUNT, review="human")
    road = rig.road()
    road.walk(claim)
    assert uses(rig, "count-lines")[:3] == (1, 0, 0)
    rig.store.reject(claim.id, "test", "too terse")
    assert uses(rig, "count-lines")[:3] == (1, 0, 1)
    road.walk(rig.reclaim())
    assert len(model.requests) == 1
    rig.store.approve(claim.id, "test", None)
    assert uses(rig, "count-lines")[1:3] == (1, 1)


def test_a_command_that_is_not_installed_leaves_the_task_to_the_model(rig, model) -> None:
    claim = rig.claim(prompt="count the bees of notes.txt")
    road = rig.road()
    road.walk(claim)
    assert model.requests == []
    assert "no-such-tool" in rig.row(claim.id)["reason"]
    road.walk(rig.reclaim())
    assert rig.row(claim.id)["state"] == "approved"
    assert len(model.requests) == 1
    assert uses(rig, "count-bees")[:3] == (2, 1, 1)


def test_an_interrupted_command_of_a_tool_is_treated_by_its_own_effect(rig: RoadRig) -> None:
    claim = rig.claim(prompt='commit everything with the message "done"')
    rig.store.write(lambda tx: tool_uses.note_start(tx, claim.seq, claim.ref.lease, "save-work", "unsafe"))
    (row,) = [row for row in rig.store.reader.all("running") if row["id"] == claim.id]
    assert row["tool_effect"] == "unsafe"
    rig.store.write(lambda tx: recording.start_cycle(tx, claim.ref, "1/1/1"))
    rig.road().resume(claim)
    assert rig.row(claim.id)["state"] == "review"
    assert asked(rig, claim.id) == "interrupted"


def test_an_outcome_that_another_worker_sent_for_is_told_as_the_tool_s(rig: RoadRig) -> None:
    claim = rig.claim(prompt=COUNT)
    assert rig.cycle(claim, **body()).status_code == 200
    (rig.home.root / "config/tools.toml").write_text("", "utf-8")
    rig.road().resume(claim)
    assert rig.row(claim.id)["state"] == "approved"
    assert uses(rig, "count-lines")[:3] == (1, 1, 0)


def test_what_no_tool_was_found_for_writes_nothing_of_tools(rig: RoadRig) -> None:
    claim = rig.claim(prompt="a sonnet on the sea")
    rig.road().walk(claim)
    assert rig.row(claim.id)["state"] == "approved"
    assert rig.attempt(claim)["tool"] is None
    assert tool_uses.uses(rig.store.reader) == {}


def test_a_snippet_goes_through_the_command_policy_and_the_way_out_is_told(rig: RoadRig) -> None:
    folder = rig.home.root / "tools/sum-up"
    folder.mkdir(parents=True)
    (folder / "snippet.py").write_text("print(6 * 7)\n", "utf-8")
    argv = 'argv = ["python3", "-c", "{text}"]\n'
    (folder / "tool.toml").write_text(f'description = "Sums it up."\ntext_file = "snippet.py"\n{argv}')
    claim = rig.claim(prompt="sum-up")
    rig.road().walk(claim)
    (completed,) = [event for event in rig.events("task.completed") if event["task_id"] == claim.id]
    assert "programs.python3.use" in completed["data"]
    assert rig.row(claim.id)["state"] == "approved"
    assert rig.attempt(claim)["tool_effect"] is None

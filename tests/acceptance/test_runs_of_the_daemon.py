"""Runs through the whole daemon: a report on a repository, its fork, and a budget that a person tops up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from testing.model_server import ModelRequest, ModelServer, Reply
from testing.running_daemon import REPOSITORY, RunningDaemon

pytestmark = [pytest.mark.xdist_group("runs"), pytest.mark.acceptance, pytest.mark.timeout(300)]

EXAMPLE = REPOSITORY / "examples" / "report-on-a-repository" / "make_run.py"
MODULES = [f"part_{number:02}.py" for number in range(11)]


#: An answer that asks for two tasks, of which one may not be added.
LOOK_CLOSER = """Two of them.

```skep-tasks
{"tasks": [{"id": "notice", "prompt": "What is wrong?", "deps": ["read"]}, {"id": "enter", "argv": ["true"]}]}
```"""


def answer(request: ModelRequest) -> Reply:
    """Answers as a model would; the first report forgets a module."""
    own = request.prompt.rpartition("TASK:\n")[2]
    if own.startswith("Write the report"):
        is_again = "earlier answer to this was rejected" in request.prompt
        return Reply(text="# Contents\n" + "\n".join(f"- {name}" for name in MODULES[0 if is_again else 1 :]))
    if "Check this text" in own:
        return Reply(text=f"score: {95 if 'better' in request.prompt else 40}")
    if "Explain in at most" in own:
        return Reply(text="a better text" if "score: 40" in request.prompt else "a text")
    if "titles of two chapters" in own:
        return Reply(text='["Hives", "Queens"]')
    if "Check this chapter" in own:
        return Reply(text="score: 90")
    if "a closer look by a lawyer" in own:
        return Reply(text=LOOK_CLOSER)
    if "outline" in own:
        return Reply(text="one section with everything")
    return Reply(text=f"a summary of {len(request.prompt)} characters")


@pytest.fixture(scope="module")
def model():
    with ModelServer() as server:
        server.answer = answer
        yield server


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, model: ModelServer):
    running = RunningDaemon(
        tmp_path_factory.mktemp("home"), SKEP_LLM_BASE_URL=model.url, SKEP_LLM_MODEL="m",
        SKEP_LLM_PRICE_INPUT="1", SKEP_LLM_PRICE_OUTPUT="10", SKEP_LLM_MAX_TOKENS="1000",
    )  # fmt: skip
    for name in MODULES:
        (running.root / "workspace" / name).write_text(f'"""The module {name}."""\n' * 40)
    running.start("--no-panel")
    running.client().close()  # it is up: who watches a run must not come before
    yield running
    running.kill_everything()


def shown(home: RunningDaemon, run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(home.skep("run", "show", run, "--json").stdout)
    return found


@pytest.fixture(scope="module")
def report(home: RunningDaemon, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    made = subprocess.run(
        [sys.executable, str(EXAMPLE), str(home.root / "workspace")],
        capture_output=True,
        text=True,
        check=True,
    )
    file: Path = tmp_path_factory.mktemp("run") / "report.json"
    file.write_text(made.stdout)
    watched = home.skep("run", "start", str(file), "--run-id", "report", "--watch")
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert watched.stdout.startswith("report is started: 35 tasks.")
    assert "report completed: 35 of 35 completed" in watched.stdout.splitlines()[-1]
    return shown(home, "report")


def test_a_report_on_a_repository_is_read_summarised_reviewed_and_written(report) -> None:
    assert (report["state"], len(report["tasks"])) == ("completed", 35)
    assert {task["state"] for task in report["tasks"].values()} == {"completed"}
    assert report["tasks"]["report"]["attempts"] == 2, "the first table of contents forgets a module"
    assert all(f"- {name}" in report["tasks"]["report"]["output"] for name in MODULES)
    assert report["cost_micros"] == sum(task["usage"]["cost_micros"] for task in report["tasks"].values()) > 0


def test_what_each_task_was_told_is_kept_by_tokens_and_hash(report) -> None:
    told = report["tasks"]["review-part_00"]["context"]["told"]
    read = report["tasks"]["read-part_00"]

    assert [each["task"] for each in told] == ["sum-part_00", "read-part_00"]
    assert told[1]["output_ref"] == read["output_ref"]
    assert told[1]["tokens"] == -(-read["output_bytes"] // 4)


def test_a_fork_writes_it_anew_without_reading_anything_again(home, model, report) -> None:
    before = len(model.requests)
    forked = home.skep(
        "run", "fork", "report", "--task", "outline", "--prompt", "Another outline.", "--run-id", "f"
    )
    assert forked.stdout.strip() == "f is started: 2 tasks anew, 33 answers of report."
    assert home.skep("run", "watch", "f").returncode == 0

    assert len(model.requests) - before <= 3
    assert shown(home, "f")["tasks"]["sum-part_00"]["reused_from"] == "report"
    told = home.skep("run", "diff", "report", "f", "--json")
    found = {each["id"]: each for each in json.loads(told.stdout)["tasks"]}
    assert (found["sum-part_00"]["is_reused"], found["report"]["is_same"]) == (True, True)
    assert "report: the same" in home.skep("run", "diff", "report", "f").stdout


def test_its_graph_is_drawn(home, report) -> None:
    assert "    outline [completed] <- review-part_00" in home.skep("run", "graph", "report").stdout
    drawn = home.skep("run", "graph", "report", "--format", "mermaid").stdout
    assert drawn.startswith("flowchart LR\n")
    assert drawn.count(" --> ") == sum(len(task["deps"]) for task in report["tasks"].values())
    assert home.skep("run", "graph", "report", "--format", "dot").stdout.startswith("digraph run {")


def test_a_workflow_over_a_list_is_run_item_by_item(home) -> None:
    file = REPOSITORY / "examples" / "workflows" / "summarise-each.json"
    assert home.skep("run", "start", str(file), "--run-id", "each").returncode == 0
    assert home.skep("run", "watch", "each").returncode == 0

    run = shown(home, "each")
    assert {name: task["state"] for name, task in run["tasks"].items()} == dict.fromkeys(
        ["list", "write", "page", "write.1"], "completed"
    )
    assert json.loads(run["tasks"]["write"]["output"]) == [run["tasks"]["write.1"]["output"]]


def test_a_text_is_written_again_until_its_check_will_do(home) -> None:
    file = REPOSITORY / "examples" / "workflows" / "write-and-check.yaml"
    assert home.skep("run", "start", str(file), "--run-id", "rounds").returncode == 0
    assert home.skep("run", "watch", "rounds").returncode == 0

    tasks = shown(home, "rounds")["tasks"]
    assert {name: task["state"] for name, task in tasks.items()} == dict.fromkeys(
        ["write", "check", "title", "write.r2", "check.r2"], "completed"
    )
    assert tasks["check"]["output"] == "score: 95"


def test_an_answer_has_a_task_added_which_is_done_in_the_same_run(home) -> None:
    file = REPOSITORY / "examples" / "workflows" / "look-closer.yaml"
    assert home.skep("run", "start", str(file), "--run-id", "closer").returncode == 0
    assert home.skep("run", "watch", "closer").returncode == 0

    tasks = shown(home, "closer")["tasks"]
    assert {name: task["state"] for name, task in tasks.items()} == dict.fromkeys(
        ["read", "notice"], "completed"
    )
    assert tasks["notice"]["added_by"] == "read"
    assert "tasks[1].argv" in (home.root / "execution_log.jsonl").read_text()


def test_each_chapter_is_a_run_of_its_own_within_the_run(home) -> None:
    file = REPOSITORY / "examples" / "workflows" / "chapters.yaml"
    assert home.skep("run", "start", str(file), "--run-id", "book").returncode == 0
    assert home.skep("run", "watch", "book").returncode == 0

    run = shown(home, "book")
    children = [shown(home, run["tasks"][f"chapter.{number}"]["child"]) for number in (1, 2)]
    assert {each["state"] for each in [run, *children]} == {"completed"}
    assert [each["parent"] for each in children] == ["book:chapter.1", "book:chapter.2"]
    assert run["cost_micros"] > sum(each["cost_micros"] for each in children) > 0
    assert json.loads(run["tasks"]["chapter"]["output"]) == [
        each["tasks"]["write"]["output"] for each in children
    ]
    assert f"by the run {children[0]['id']}" in home.skep("run", "graph", "book").stdout


def test_a_person_is_asked_and_the_run_goes_the_way_that_was_answered(home) -> None:
    file = REPOSITORY / "examples" / "workflows" / "ask-first.yaml"
    assert home.skep("run", "start", str(file), "--run-id", "letter").returncode == 0
    home.wait_until(lambda _: bool(questions(home, "letter:agree")), "the question of the run")
    (question,) = questions(home, "letter:agree")
    assert question["payload"]["question"].startswith("Does this letter go as it is?\n\na summary of")

    assert home.skep("reject", "letter:agree", "--reason", "too long").returncode == 0
    assert home.skep("run", "watch", "letter").returncode == 0
    run = shown(home, "letter")
    assert (run["tasks"]["agree"]["output"], run["tasks"]["shorten"]["state"]) == ("no", "completed")


def questions(home: RunningDaemon, task: str) -> list[dict[str, Any]]:
    """Open questions about a task."""
    told = json.loads(home.skep("status", "--json").stdout)["decisions"]
    return [each for each in told if each["task_id"] == task]


def test_a_budget_that_is_reached_asks_a_person_and_goes_on(home, tmp_path) -> None:
    file = tmp_path / "run.json"
    tasks = [{"id": f"t{number}", "prompt": "hello"} for number in range(4)]
    file.write_text(
        json.dumps({"id": "poor", "policy": {"budget_limit": {"amount": 0.0002}}, "tasks": tasks})
    )
    assert home.skep("run", "start", str(file)).returncode == 0

    home.wait_until(lambda _: bool(asked(home, "run:poor")), "a question about the budget of the run")
    (question,) = asked(home, "run:poor")
    assert shown(home, "poor")["state"] == "running"
    assert home.skep("budget", "add", "1", "--limit", "run:poor").returncode == 0
    assert home.skep("run", "watch", "poor").returncode == 0

    run = shown(home, "poor")
    assert (run["state"], run["budget_micros"]) == ("completed", 1_000_200)
    assert question["kind"] == "budget"
    assert asked(home, "run:poor") == []


def asked(home: RunningDaemon, limit: str) -> list[dict[str, Any]]:
    """Open questions about a limit."""
    told = json.loads(home.skep("status", "--json").stdout)["decisions"]
    return [each for each in told if limit.replace(":", " ") in each["question"]]

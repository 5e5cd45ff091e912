"""``skep run local`` as a person sees it: the tree while it runs, the questions of --step, Ctrl-C."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

import skep
from commands import run_setup, run_view, terminal
from run_contract.policy import RunPolicy
from run_contract.records import RunState, TaskError, TaskState
from runs.factory import new_run
from runs.run_events import RunEvent
from settings import Home, Settings
from store.sqlite_store import SqliteStore
from testing.heeding import HEEDING
from testing.model_script import Reply
from testing.model_server import ModelServer
from testing.runs import answer, task

CHAIN = """\
workflow:
  name: chain
  policy: {budget_limit: {amount: 0.5}}
  steps:
    - {id: a, prompt: Write}
    - {id: b, depends_on: [a], prompt: Shorten}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "chain.yaml"
    found.write_text(CHAIN)
    return found


def step_through(monkeypatch, tmp_path: Path, file: Path, answers: str):
    monkeypatch.setattr(terminal, "is_terminal", lambda stream=None: True)
    words = ["--home", str(tmp_path), "run", "local", str(file), "--executor", "mock", "--step"]
    return CliRunner().invoke(skep.cli, words, input=answers)


def test_each_step_is_shown_and_asked_for(monkeypatch, tmp_path, file) -> None:
    done = step_through(monkeypatch, tmp_path, file, "\n\n")

    assert done.exit_code == 0
    assert "is told of: a" in done.output
    assert done.output.index("Write") < done.output.index("mock answer of a to: Write\n\nShorten")


NESTED = """\
workflow:
  name: nested
  policy: {on_failure: continue}
  steps:
    - id: s
      run: {workflow: {name: inner, steps: [{id: x, prompt: Hum}, {id: y, depends_on: [x], prompt: Sing}]}}
    - {id: b, depends_on: [s], prompt: Shorten}
    - {id: c, needs: any, depends_on: [b, s], prompt: Say}
"""


def test_the_steps_of_a_run_within_are_asked_for_too_and_an_abort_ends_all(
    monkeypatch, tmp_path, file
) -> None:
    file.write_text(NESTED)
    done = step_through(monkeypatch, tmp_path, file, "go\ngo\ngo\ngo\n")
    aborted = step_through(monkeypatch, tmp_path, file, "go\nabort\n")

    assert done.exit_code == 0, done.output
    assert [name in done.output for name in (" s:x  ", " s:y  ", " b  ", " c  ")] == [True] * 4
    assert aborted.exit_code == 130, aborted.output
    assert "aborted: 0 of 3 completed" in aborted.output


def test_a_step_can_be_left_out(monkeypatch, tmp_path, file) -> None:
    done = step_through(monkeypatch, tmp_path, file, "skip\n")

    assert done.exit_code == 0
    assert "left_out" in done.output
    assert "dependency_skipped" in done.output


def test_a_run_can_be_aborted_at_a_step(monkeypatch, tmp_path, file) -> None:
    done = step_through(monkeypatch, tmp_path, file, "go\nabort\n")

    assert done.exit_code == 130
    assert "aborted: 1 of 2 completed" in done.output


ASKS = """\
workflow:
  name: asks
  policy: {on_failure: continue}
  steps:
    - {id: gate, ask: "Ship it?", choices: [yes, no]}
    - id: ship
      depends_on: [gate]
      when: {of: "{{deps.gate.output}}", test: equals, value: yes}
      prompt: Ship
"""


def ask_at(monkeypatch, tmp_path: Path, *, terminal_there: bool, more: tuple[str, ...] = (), said: str = ""):
    monkeypatch.setattr(terminal, "is_terminal", lambda stream=None: terminal_there)
    file = tmp_path / "asks.yaml"
    file.write_text(ASKS)
    words = ["--home", str(tmp_path), "run", "local", str(file), "--executor", "mock", *more]
    return CliRunner().invoke(skep.cli, words, input=said)


def test_a_question_is_asked_at_the_terminal_until_one_of_its_choices_is_said(monkeypatch, tmp_path) -> None:
    done = ask_at(monkeypatch, tmp_path, terminal_there=True, said="perhaps\nyes\n")
    assert done.exit_code == 0
    assert "gate asks:\nShip it?" in done.output
    assert done.output.count("[yes, no]") == 2
    assert "mock answer of ship" in done.output


def test_an_answer_given_before_is_not_asked_for(monkeypatch, tmp_path) -> None:
    done = ask_at(monkeypatch, tmp_path, terminal_there=False, more=("--answer", "gate=no", "--json"))
    gate, ship = json.loads(done.output)["tasks"]
    assert done.exit_code == 0
    assert gate["output"] == "no"
    assert ship["error"]["code"] == "condition_not_met"


def test_where_the_terminal_says_nothing_more_the_question_is_refused(monkeypatch, tmp_path) -> None:
    done = ask_at(monkeypatch, tmp_path, terminal_there=True)
    assert done.exit_code == 1
    assert "approval_denied" in done.output


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--answer", "gate=perhaps"), "gate may be answered with one of yes, no"),
        (("--answer", "ship=yes"), "no step 'ship' asks a person"),
        (("--answer", "gate"), "must be ID=TEXT"),
    ],
)
def test_an_answer_that_cannot_be_one_is_refused(monkeypatch, tmp_path, more, told) -> None:
    done = ask_at(monkeypatch, tmp_path, terminal_there=False, more=more)
    assert (done.exit_code, told in done.output) == (2, True)


def test_nobody_is_there_to_be_asked(monkeypatch, tmp_path) -> None:
    more = ("--executor", "llm")
    done = ask_at(monkeypatch, tmp_path, terminal_there=False, more=more)
    assert done.exit_code != 0


def test_the_tree_shows_states_money_and_what_a_person_would_miss(monkeypatch) -> None:
    run = new_run(
        "r", [task("a"), task("b", "a"), task("c")], RunPolicy.model_validate({"budget_limit": {"amount": 2}})
    )
    run.tasks["a"].state, run.tasks["a"].outputs = TaskState.COMPLETED, answer("one\ntwo \x1b[31m")
    run.tasks["a"].actual = answer("x", 1_000, 250_000).usage
    run.tasks["b"].parent, run.tasks["b"].depth = "a", 1
    run.tasks["c"].state, run.tasks["c"].error = TaskState.FAILED, TaskError("timeout", "too slow")
    run.state, run.usage.micros = RunState.RUNNING, 250_000
    tree = run_view.Tree(run)
    tree.listen(RunEvent(1, 0.0, "r", "budget.warning", "a", {"budget": "run:r", "percent": 50}))
    tree.listen(RunEvent(2, 0.0, "r", "task.started", "a"))
    console = Console(file=io.StringIO(), width=120, color_system=None)
    console.print(tree._draw())
    drawn = console.file.getvalue()  # type: ignore[attr-defined]

    assert "r running: 1 of 3 completed, 0 tokens, $0.25 of $2.00" in drawn
    assert "one two \\x1b[31m" in drawn
    assert "\x1b" not in drawn
    assert [line.split()[0] for line in drawn.splitlines()[1:4]] == ["a", "b", "c"]
    assert "  b" in drawn
    assert "timeout: too slow" in drawn
    assert "budget.warning a: budget run:r, percent 50" in drawn
    assert "task.started" not in drawn


def test_of_a_large_run_what_moves_is_shown_first() -> None:
    run = new_run("r", [task(f"t{number:03}") for number in range(200)])
    run.tasks["t150"].state = TaskState.RUNNING

    rows = run_view.rows_of(run)

    assert (len(rows), rows[0].name) == (run_view.MOST_ROWS, "t150")


def test_a_made_up_answer_ends_when_the_run_does() -> None:
    """The time an eye needs to follow is no time that holds up an end."""
    assert run_setup.MOCK_S < 1.0


def test_ctrl_c_ends_the_run_with_its_steps_and_its_books(
    tmp_path: Path, file: Path, model: ModelServer
) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    with SqliteStore(home, Settings()):
        pass
    model.default = Reply("slow", delay_s=60.0)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SKEP_")} | {
        "SKEP_LLM_BASE_URL": model.url, "SKEP_LLM_MODEL": "m", "SKEP_LLM_PRICE_INPUT": "1",
        "SKEP_LLM_PRICE_OUTPUT": "10", "SKEP_LLM_MAX_TOKENS": "50",
    }  # fmt: skip
    words = ["--home", str(home.root), "run", "local", str(file), "--executor", "llm", "--json"]
    running = subprocess.Popen(
        [*HEEDING, sys.executable, "-m", "skep", *words],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    model.wait_for_requests(1, timeout_s=30.0)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)

    told = json.loads(out)
    assert running.returncode == 130, err
    assert (told["state"], [each["state"] for each in told["tasks"]]) == ("aborted", ["failed", "skipped"])
    assert {each["error"]["code"] for each in told["tasks"]} == {"cancelled"}
    booked = told["usage"]["cost_micros"]
    assert booked == told["tasks"][0]["estimated"]["cost_micros"] > 0, "what was sent may have been used"

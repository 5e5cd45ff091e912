"""The page of runs says what the code has, and its snippets work."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from run_contract.policy import BudgetLimit, ContextPolicy, RetryPolicy, RunPolicy
from runs.run_events import RUN_EVENTS
from runs.workflow import Rounds, Step, When, Workflow
from runs.workflow_file import parse_workflow, read_workflow

HOME = Path(__file__).resolve().parents[3]
PAGE = (HOME / "docs" / "runs.md").read_text("utf-8")
TOLD = set(re.findall(r"^\| `([^`]+)`", PAGE, re.MULTILINE))


@pytest.mark.parametrize(
    "model", [Workflow, Step, When, Rounds, RunPolicy, BudgetLimit, ContextPolicy, RetryPolicy]
)
def test_every_key_of_a_file_has_a_row_that_says_something(model) -> None:
    assert set(model.model_fields) <= TOLD
    rows = [line for line in PAGE.splitlines() if re.match(r"\| `[a-z_]+`( \(required\))? \|", line)]
    assert [row for row in rows if re.search(r"\|\s*\|$", row)] == []


def test_every_event_has_its_row() -> None:
    assert set(RUN_EVENTS) <= TOLD


def test_every_event_that_is_told_is_one_and_every_one_is_told_somewhere() -> None:
    source = "".join(
        path.read_text("utf-8") for path in (HOME / "runs").glob("*.py") if "run_events" not in path.name
    )
    told = set(re.findall(r'"((?:run|task|budget|context)\.[a-z_]+)"', source))

    assert told <= set(RUN_EVENTS)
    assert {name for name in RUN_EVENTS if not name.startswith("run.")} <= told


def test_the_workflow_of_the_page_can_be_run() -> None:
    text = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]

    assert [step.id for step in parse_workflow(text).steps] == ["list", "write", "page"]


def test_the_program_of_the_page_works() -> None:
    text = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    done = subprocess.run([sys.executable, "-c", text], cwd=HOME, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("completed B\n", "")


@pytest.mark.parametrize(
    "file", sorted((HOME / "examples" / "workflows").iterdir()), ids=lambda path: path.name
)
def test_every_example_is_a_workflow(file) -> None:
    assert read_workflow(file).steps

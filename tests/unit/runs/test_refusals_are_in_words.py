"""What a run or a workflow is refused for is told in words, once, at a field that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from errors import InvalidFile
from limits import Limits
from redaction import clean
from run_contract.errors import InvalidInput
from run_contract.policy import RunPolicy
from runs.compiling import run_of
from runs.entering import House, new_run
from runs.request import of_workflow, read_start
from runs.run_names import mended
from runs.workflow_file import InvalidWorkflow, parse_workflow, read_workflow
from testing.durable_runs import EveryModel

TASK = {"id": "a", "prompt": "x"}
STEPS = "steps: [{id: a, prompt: x}]"
HOUSE = House(Limits(), EveryModel(), Path("/nonexistent/policies.toml"))


def refused(**request: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as error:
        new_run(read_start({"tasks": [TASK]} | request), HOUSE)
    return error.value


@pytest.mark.parametrize("name", ["", " ", "\t", "a\nb", "a\x1b[31m", "\u202eevil", "a\u2028b", "x" * 201])
def test_the_name_of_a_run_is_one_line_that_says_something(name: str) -> None:
    error = refused(name=name)
    assert error.details["path"] == "name"
    assert "pattern" not in error.message


@pytest.mark.parametrize("name", [" ", "a\nb", "\u202eevil"])
def test_the_name_of_a_workflow_is_held_to_the_same(name: str) -> None:
    escaped = name.encode("unicode_escape").decode()
    with pytest.raises(InvalidWorkflow, match=r"^workflow\.yaml:1:\d+: workflow\.name: must "):
        parse_workflow(f'workflow: {{name: "{escaped}", {STEPS}}}')


def test_a_long_name_of_a_workflow_is_cut_to_one_that_a_run_may_have() -> None:
    workflow = parse_workflow(f'workflow: {{name: "{" " * 300}{"x" * 300}", {STEPS}}}')
    run = run_of(workflow, RunPolicy(), {}, "r")
    assert of_workflow(workflow, "r", [*run.tasks.values()], run.policy).name == "x" * 200


@pytest.mark.parametrize(("old", "now"), [("a\nb", "ab"), ("\u202e", None), (" x ", "x"), ("", None)])
def test_a_name_that_could_once_be_given_is_mended_for_a_fork(old: str, now: str | None) -> None:
    assert mended(old) == now


def test_a_wrong_id_is_refused_in_words() -> None:
    error = refused(tasks=[{"id": "a b", "prompt": "x"}])
    rule = "must be letters, digits, dots, underlines and hyphens, at most 128, a letter or digit first"
    assert error.message == f"tasks[0].id: {rule}, got 'a b'"


def test_a_wrong_list_is_told_once() -> None:
    rule = "must be a list of texts, or one text, got 1; write numbers as texts"
    assert refused(tasks=[TASK | {"for_each": [1, 2]}]).message == f"tasks[0].for_each: {rule}"
    with pytest.raises(InvalidWorkflow) as error:
        parse_workflow("workflow: {name: w, steps: [{id: a, prompt: x, for_each: [1, 2]}]}")
    assert [each["message"] for each in error.value.details["problems"]] == [rule]


def test_too_many_attempts_are_told_at_the_field_of_the_policy() -> None:
    policy = {"retry": {"max_attempts": 60}, "fallbacks": {"m": ["n"]}}
    error = refused(tasks=[TASK | {"model": "m"}], policy=policy)
    assert error.details["path"] == "policy.retry.max_attempts"
    assert error.message.endswith(
        "a could be tried 120 times; 100 is the bound (settings: limit_max_attempts)"
    )


@pytest.mark.parametrize("word", ["Infinity", "-Infinity", "NaN"])
def test_what_is_no_number_of_json_is_told_with_its_place(word: str) -> None:
    text = f'{{"workflow": {{"name": "{word} \\" {word}",\n  "steps": [{word}]}}}}'
    with pytest.raises(InvalidFile) as error:
        parse_workflow(text, "w.json")
    assert error.value.message == f"w.json:2:13: {word} is no JSON"


def test_a_file_that_is_called_as_secrets_are_is_named(tmp_path: Path) -> None:
    path = tmp_path / "passwd"
    path.write_text("root:x:0:0:root:/root:/bin/bash\n")
    with pytest.raises(InvalidFile) as error:
        read_workflow(path)
    assert clean(error.value.message).startswith("passwd:1:1: must be ")
    assert clean("passwd:1234:5678 is it") == "passwd:[redacted:password] is it"

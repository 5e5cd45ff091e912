"""The client has the names of the API, the same for threads and asyncio, and nothing of Skep in it."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import sys
import tomllib
from pathlib import Path
from typing import Any, get_type_hints

import pydantic
import pytest
import skep_client
from skep_client import AsyncSkep, Skep, answers, reading, requests

from execution import run_answers
from execution.run_openapi import REQUESTS
from run_contract import policy
from runs import request, workflow
from runtime_contract import Expect
from tests.unit.test_floors_hold import FLOORS, modules, room_of

HOME = Path(__file__).resolve().parents[3]
PACKAGE = HOME / "sdk" / "skep_client"
ASKED: dict[type[Any], type[pydantic.BaseModel]] = {
    requests.TaskRequest: request.TaskRequest,
    requests.RunPolicy: policy.RunPolicy,
    requests.BudgetLimit: policy.BudgetLimit,
    requests.ContextPolicy: policy.ContextPolicy,
    requests.RetryPolicy: policy.RetryPolicy,
    requests.When: workflow.When,
    requests.Rounds: workflow.Rounds,
    requests.Expect: Expect,
}
TOLD: dict[type[Any], type[pydantic.BaseModel]] = {
    answers.RunBrief: run_answers.RunBrief,
    answers.Run: run_answers.RunAnswer,
    answers.RunTask: run_answers.RunTaskAnswer,
    answers.TaskUsage: run_answers.TaskUsage,
    answers.RunUsage: run_answers.RunUsage,
    answers.RunProblem: run_answers.RunProblem,
    answers.RunPage: run_answers.RunList,
    answers.RunDecision: run_answers.RunDecision,
}


def names(model: type[pydantic.BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize("kind", ASKED, ids=lambda kind: kind.__name__)
def test_a_request_has_the_fields_of_the_api(kind: type[Any]) -> None:
    assert set(get_type_hints(kind)) == names(ASKED[kind]), "add the field in sdk/skep_client/requests.py"


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.__name__)
def test_an_answer_has_the_fields_of_the_api(kind: type[Any]) -> None:
    known = {field.name for field in dataclasses.fields(kind)}
    assert known == names(TOLD[kind]), "add the field in sdk/skep_client/answers.py and reading.py"


def test_starts_and_forks_have_the_fields_of_the_api() -> None:
    start = set(inspect.signature(Skep.start).parameters) - {"self", "idempotency_key"}
    assert start == names(request.StartRunRequest)
    assert set(get_type_hints(requests.ForkOptions)) | {"task"} == names(request.ForkRequest)
    assert {request.StartRunRequest, request.EnqueueRequest, request.ForkRequest} <= set(REQUESTS)


def test_every_state_of_the_api_is_known() -> None:
    schema = run_answers.RunAnswer.model_json_schema()
    assert list(answers.RUN_STATES) == schema["properties"]["state"]["enum"]
    assert list(answers.TASK_STATES) == schema["$defs"]["RunTaskAnswer"]["properties"]["state"]["enum"]


def test_answers_may_have_members_that_are_not_known_yet() -> None:
    told = {"seq": 1, "ts": "t", "event": "e", "task_id": "r:a", "status": None, "new": {"x": 1}}
    event = reading.event(told)
    assert (event.task, event.fields) == ("a", {"new": {"x": 1}})


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    def faces(kind: type[Any]) -> dict[str, list[tuple[str, Any]]]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {
            name: [(each.name, each.default) for each in inspect.signature(method).parameters.values()]
            for name, method in methods
            if not name.startswith("_") or name == "__init__"
        }

    assert faces(Skep) == faces(AsyncSkep)


def test_the_client_needs_nothing_of_skep_and_of_others_only_what_it_says() -> None:
    said = tomllib.loads((HOME / "sdk" / "pyproject.toml").read_text("utf-8"))["project"]
    assert [each.partition(">")[0] for each in said["dependencies"]] == ["httpx"]
    rooms = {room for floor in FLOORS for room in floor} | {"testing", "tests"}
    of_langchain = {"langchain_core", "pydantic"}
    for path in PACKAGE.glob("*.py"):
        found = {room_of(name) for name in imported(path)} - {"skep_client"}
        assert not found & rooms, path.name
        foreign = {name for name in found if name not in sys.stdlib_module_names}
        assert foreign <= {"httpx"} | (of_langchain if path.name.startswith("langchain") else set()), (
            path.name
        )
        if not path.name.startswith("langchain"):
            assert not any("langchain" in name for name in imported(path)), path.name


def test_no_room_of_skep_needs_the_client() -> None:
    for name, path in modules(HOME).items():
        assert "skep_client" not in path.read_text("utf-8"), name


def imported(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"), feature_version=(3, 10))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.append(node.module or "")
    return found


def test_the_version_is_that_of_the_distribution() -> None:
    said = tomllib.loads((HOME / "sdk" / "pyproject.toml").read_text("utf-8"))["project"]
    assert skep_client.__version__ == said["version"]
    assert sorted(skep_client.__all__) == skep_client.__all__
    assert (PACKAGE / "py.typed").exists()


def test_without_langchain_its_module_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_core", None)
    monkeypatch.delitem(sys.modules, "skep_client.langchain", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'skep-client\[langchain\]'"):
        importlib.import_module("skep_client.langchain")

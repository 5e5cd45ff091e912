"""An `expect` that nobody could ever judge is refused before a task is paid for."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from errors import InvalidTask
from runtime_contract import Limits, Task, normalize_task


def read(expect: dict[str, Any], *, is_expect_known: bool = False) -> Task:
    raw = {"id": "t", "prompt": "x", "expect": expect}
    return normalize_task(raw, Limits(), is_expect_known=is_expect_known)[0]


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    ("expect", "path", "rule"),
    [
        ({"schema": {"type": "foo"}}, "schema", "at $.type: 'foo' is not"),
        ({"schema": {"minimum": "x"}}, "schema", "at $.minimum: 'x' is not of type 'number'"),
        ({"schema": {"pattern": "("}}, "schema", "at $.pattern: '(' is not a 'regex'"),
        ({"schema": {"patternProperties": {"(": {}}}}, "schema", "'(' is not a 'regex'"),
        ({"schema": {"$ref": "#/nope"}}, "schema", "its $ref '#/nope' leads nowhere"),
        ({"schema": {"items": {"$ref": "#/$defs/n"}, "$defs": {}}}, "schema", "'#/$defs/n' leads nowhere"),
        ({"schema": {"$defs": {"a": {"$id": "http://x/", "$ref": "#/b"}}, "b": {}}}, "schema", "nowhere"),
        ({"schema": {"$id": "http://["}}, "schema", "cannot be applied"),
        ({"schema": deep(900)}, "schema", "nested too deeply"),
        ({"files": ["a", "/etc/passwd"]}, "files[1]", "relative to it, got '/etc/passwd'"),
        ({"files": "../x"}, "files[0]", "must be a file of the workspace"),
        ({"files": ["a/../../x"]}, "files[0]", "must be a file of the workspace"),
        ({"files": ["a\0b"]}, "files[0]", "must be a file of the workspace"),
        ({"files": ["."]}, "files[0]", "must be a file of the workspace"),
        ({"python_compiles": ["a/.."]}, "python_compiles[0]", "must be a file of the workspace"),
        ({"python_compiles": ["/x.py"]}, "python_compiles[0]", "must be a file of the workspace"),
        ({"files": ""}, "files[0]", "must not be empty"),
        ({"contains": ["a", ""]}, "contains[1]", "must not be empty"),
        ({"not_contains": ""}, "not_contains[0]", "must not be empty"),
    ],
)
def test_what_could_never_be_judged_names_its_field_and_the_rule(expect, path, rule):
    with pytest.raises(InvalidTask) as refused:
        read(expect)
    assert refused.value.details["path"] == f"task.expect.{path}"
    assert refused.value.message.startswith(f"task.expect.{path}: ")
    assert rule in refused.value.message


@pytest.mark.parametrize(
    "expect",
    [
        {"schema": {}},
        {"schema": {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}},
        {"schema": {"properties": {"next": {"$ref": "#"}}}},
        {"schema": {"properties": {"$ref": {"type": "string"}}}},
        {"schema": {"const": {"$ref": "#/nope", "type": "foo", "required": [1, 2]}}},
        {"schema": {"pattern": "^(a+)+$"}},
        {"files": ["a.txt", "./b", "a/../c", "..d"], "python_compiles": ["x.py"]},
        {"contains": " ", "not_contains": []},
        {"python_compiles": True},
    ],
)
def test_what_can_be_judged_is_taken(expect):
    assert read(expect).expect.model_dump(exclude_unset=True, by_alias=True).keys() == expect.keys()


def test_what_a_task_expected_before_there_was_the_rule_stays():
    assert read({"files": ["/etc/passwd"]}, is_expect_known=True).expect.files == ["/etc/passwd"]


@pytest.mark.parametrize("key", ["files_created", "files_modified", "artifacts"])
@pytest.mark.parametrize("nothing", [{}, {"expect": None}])
@pytest.mark.parametrize(
    ("names", "place", "rule"),
    [
        (["/etc/passwd"], 0, "must be a file of the workspace, relative to it, got '/etc/passwd'"),
        (["a", 5, "../../x"], 2, "must be a file of the workspace, relative to it, got '../../x'"),
        ("a/../../x", 0, "must be a file of the workspace, relative to it, got 'a/../../x'"),
        ([""], 0, "must not be empty"),
    ],
)
def test_files_that_are_declared_in_the_place_of_expect_are_held_to_the_same(
    key: str, nothing: dict[str, Any], names: Any, place: int, rule: str
) -> None:
    with pytest.raises(InvalidTask) as refused:
        normalize_task({"id": "t", "prompt": "x", key: names, **nothing}, Limits())
    assert refused.value.message == f"task.{key}[{place}]: {rule}"


def test_declared_files_that_nothing_is_held_to_are_no_reason_to_refuse_a_task():
    raw = {"id": "t", "prompt": "x", "artifacts": ["/tmp/x"]}
    assert normalize_task({**raw, "expect": {}}, Limits())[0].expect.files == []
    assert normalize_task({**raw, "expect": {"format": "json"}}, Limits())[0].expect.files == []
    assert normalize_task(raw, Limits(), is_ended=True)
    assert normalize_task(raw, Limits(), is_expect_known=True)


def test_nothing_is_fetched_to_look_at_a_schema():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        with pytest.raises(InvalidTask, match="nothing is fetched"):
            read({"schema": {"$ref": f"http://127.0.0.1:{listening.getsockname()[1]}/x"}})
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize("key", ["type", "required"])
def test_a_schema_that_would_take_minutes_to_look_at_is_refused_at_once(key):
    began = time.monotonic()
    with pytest.raises(InvalidTask, match="no name"):
        read({"schema": {"items": {key: [{"a": number} for number in range(5000)]}}})
    assert time.monotonic() - began < 5


def test_what_reads_schemas_is_loaded_for_a_task_that_has_one_alone():
    program = (
        "import sys; from runtime_contract import Limits, normalize_task as read;"
        "read({'id': 't', 'prompt': 'x', 'expect': {'files': 'a'}}, Limits());"
        "print('jsonschema' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"

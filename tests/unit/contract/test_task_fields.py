"""Every field of a task: what is taken, what is refused; a refusal names path, rule, bound and value."""

from __future__ import annotations

import json
import math
from typing import Any

import pydantic
import pytest

from errors import InvalidTask
from runtime_contract import Limits, Task, normalize_task

LIMITS = Limits(
    prompt_chars=20,
    command_chars=30,
    argv_items=3,
    depends_on_items=2,
    tags_items=2,
    name_chars=8,
    extra_keys=2,
    extra_bytes=60,
    priority=9,
    max_tokens=100,
    timeout_s=60,
    max_attempts=5,
    budget_usd=10,
    reward=50,
)


def read(limits: Limits = LIMITS, /, **fields: Any) -> Task:
    task, _ = normalize_task({"id": "t", **fields}, limits, "tasks[3]")
    return task


def refusal(limits: Limits = LIMITS, /, **fields: Any) -> InvalidTask:
    with pytest.raises(InvalidTask) as caught:
        read(limits, **fields)
    return caught.value


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("type", "cycle", "cycle"),
        ("mode", "llm", "llm"),
        ("depends_on", ["a", "b"], ["a", "b"]),
        ("parallel_safe", False, False),
        ("status", "queued", "queued"),
        ("priority", 9, 9),
        ("priority", -9, -9),
        ("not_before", 0, 0.0),
        ("not_before", 253402300799, 253402300799.0),
        ("not_before", "2030-01-31T09:00:00+01:00", 1896076800.0),
        ("every", "0 9 1 1 *", "0 9 1 1 *"),
        ("model", "m" * 8, "m" * 8),
        ("max_tokens", 1, 1),
        ("max_tokens", 100, 100),
        ("temperature", 0, 0),
        ("temperature", 2.0, 2.0),
        ("min_budget", 0, 0),
        ("max_budget", 10, 10),
        ("max_budget", 0.000001, 0.000001),
        ("intensity", "high", "high"),
        ("timeout_s", 60, 60),
        ("timeout_s", 0.5, 0.5),
        ("max_attempts", 5, 5),
        ("effect", "unsafe", "unsafe"),
        ("review", "none", "none"),
        ("identity_id", "ada", "ada"),
        ("reward", 50, 50),
        ("tags", ["gpu", "b"], ["gpu", "b"]),
        ("run_id", "r1", "r1"),
        ("decompose", "never", "never"),
        ("decompose", True, "always"),
        ("decompose", False, "never"),
    ],
)
def test_a_good_value_is_kept(field, value, kept):
    limits = Limits(prompt_chars=20, name_chars=9, priority=9)
    assert getattr(read(limits, prompt="x", **{field: value}), field) == kept


def test_a_schedule_that_never_fires_from_not_before_on_is_refused():
    told = "not_before: the schedule never fires from 9999-12-31T23:59:59Z on; give an earlier time"
    with pytest.raises(InvalidTask, match=told):
        read(Limits(), prompt="x", every="0 9 1 1 *", not_before=253402300799)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("id", 7, "must be a text, got 7"),
        ("id", "", "must match"),
        ("id", "-a", "got '-a'"),
        ("id", "run:task", "must match"),
        ("id", "a" * 129, "must match"),
        ("id", "a\n", "must match"),
        ("id", "a\0", r"got 'a\x00'"),
        ("type", "chore", "must be 'cycle', got 'chore'"),
        ("prompt", 5, "must be a text, got 5"),
        ("prompt", "  ", "is missing or empty"),
        (
            "prompt",
            "\u200b \ufeff\u3164",
            "must not be empty: it holds nothing but blanks",
        ),
        ("mode", "remote", "must be 'llm' or 'local', got 'remote'"),
        ("depends_on", "a", "must be a list, got 'a'"),
        ("depends_on", {"a": 1}, "must be a list"),
        ("parallel_safe", 1, "must be true or false, got 1"),
        ("parallel_safe", "no", "must be true or false, got 'no'"),
        ("status", "done", "must be one of"),
        ("status", 1, "must be a text"),
        ("priority", True, "must be a whole number, got True"),
        ("priority", 1.0, "must be a whole number, got 1.0"),
        ("priority", "1", "must be a whole number, got '1'"),
        ("not_before", True, "must be a time like"),
        ("not_before", [], "must be a time like"),
        ("not_before", "tomorrow", "'tomorrow' is not a time like"),
        ("not_before", -1, "-1 is outside the years 1970 to 9999"),
        ("not_before", 253402300800, "is outside the years"),
        ("every", 5, "must be a text"),
        ("every", "", "is not a cron expression"),
        ("every", "@daily", "'@daily' is not a cron expression"),
        ("every", "61 * * * *", "is not a cron expression"),
        ("every", "* * * *", "is not a cron expression"),
        ("every", "0 0 31 2 *", "'0 0 31 2 *' never fires: its months have no such day"),
        ("every", "0 0 31 4,6 *", "never fires: its months have no such day; name another day or month"),
        ("every", "0 0 32 2 *", "is not a cron expression"),
        ("model", ["m"], "must be a text"),
        ("max_tokens", 0, "must be greater than or equal to 1, got 0"),
        ("max_tokens", 2.0, "must be a whole number, got 2.0"),
        ("temperature", -0.1, "must be greater than or equal to 0, got -0.1"),
        ("temperature", 2.1, "must be less than or equal to 2, got 2.1"),
        ("temperature", True, "must be a number, got True"),
        ("min_budget", -1, "must be greater than or equal to 0, got -1"),
        ("max_budget", "1", "must be a number, got '1'"),
        ("intensity", "huge", "must be 'low', 'medium' or 'high', got 'huge'"),
        ("timeout_s", 0, "must be greater than 0, got 0"),
        ("timeout_s", "5", "must be a number, got '5'"),
        ("max_attempts", 0, "must be greater than or equal to 1, got 0"),
        ("effect", "none", "must be 'idempotent' or 'unsafe', got 'none'"),
        ("review", "maybe", "must be 'auto', 'critic', 'human' or 'none', got 'maybe'"),
        ("expect", [], "must be an object, got []"),
        ("identity_id", 1, "must be a text"),
        ("reward", -1, "must be greater than or equal to 0, got -1"),
        ("tags", "gpu", "must be a list, got 'gpu'"),
        ("run_id", 1, "must be a text"),
        ("decompose", "maybe", "must be 'auto', 'never' or 'always', got 'maybe'"),
    ],
)
def test_a_bad_value_is_refused_with_path_rule_and_value(field, value, rule):
    error = refusal(Limits(), **({"prompt": "x"} | {field: value}))
    assert error.message.startswith(f"tasks[3].{field}: ")
    assert rule in error.message
    assert error.details["path"] == f"tasks[3].{field}"


@pytest.mark.parametrize(
    ("fields", "path", "rule"),
    [
        ({"depends_on": ["a", 5]}, "depends_on[1]", "must be a text, got 5"),
        ({"tags": [True]}, "tags[0]", "must be a text, got True"),
        ({"expect": {"files": 5}}, "expect.files", "must be a list, got 5"),
        ({"expect": {"files": [5]}}, "expect.files[0]", "must be a text, got 5"),
        ({"expect": {"contains": [None]}}, "expect.contains[0]", "must be a text"),
        ({"expect": {"format": "yaml"}}, "expect.format", "must be 'json', got 'yaml'"),
        ({"expect": {"schema": []}}, "expect.schema", "must be an object, got []"),
        ({"expect": {"python_compiles": 3}}, "expect.python_compiles", "got 3"),
        ({"expect": {"cotnains": ["x"]}}, "expect.cotnains", "is not a key that is known here"),
    ],
)
def test_the_path_leads_into_lists_and_objects(fields, path, rule):
    error = refusal(Limits(), prompt="x", **fields)
    assert error.message.startswith(f"tasks[3].{path}: ")
    assert rule in error.message


@pytest.mark.parametrize(
    ("fields", "path", "value", "bound", "setting"),
    [
        ({"prompt": "x" * 21}, "prompt", "21", "20", "limit_prompt_chars"),
        ({"command": "x" * 31}, "command", "31", "30", "limit_command_chars"),
        ({"argv": ["x" * 16, "y" * 15]}, "command", "31", "30", "limit_command_chars"),
        ({"argv": ["a", "b", "c", "d"]}, "argv", "4", "3", "limit_argv_items"),
        ({"prompt": "x", "depends_on": ["a", "b", "c"]}, "depends_on", "3", "2", "limit_depends_on_items"),
        ({"prompt": "x", "tags": ["a", "b", "c"]}, "tags", "3", "2", "limit_tags_items"),
        ({"prompt": "x", "tags": ["a", "b" * 9]}, "tags[1]", "9", "8", "limit_name_chars"),
        ({"prompt": "x", "model": "m" * 9}, "model", "9", "8", "limit_name_chars"),
        ({"prompt": "x", "run_id": "m" * 9}, "run_id", "9", "8", "limit_name_chars"),
        ({"prompt": "x", "identity_id": "m" * 9}, "identity_id", "9", "8", "limit_name_chars"),
        ({"prompt": "x", "every": "* * * * *"}, "every", "9", "8", "limit_name_chars"),
        ({"prompt": "x", "priority": 10}, "priority", "10", "9", "limit_priority"),
        ({"prompt": "x", "max_tokens": 101}, "max_tokens", "101", "100", "limit_max_tokens"),
        ({"prompt": "x", "timeout_s": 61}, "timeout_s", "61", "60", "limit_timeout_s"),
        ({"prompt": "x", "max_attempts": 6}, "max_attempts", "6", "5", "limit_max_attempts"),
        ({"prompt": "x", "max_budget": 10.5}, "max_budget", "10.5", "10", "limit_budget_usd"),
        ({"prompt": "x", "min_budget": 11}, "min_budget", "11", "10", "limit_budget_usd"),
        ({"prompt": "x", "reward": 51}, "reward", "51", "50", "limit_reward"),
        ({"prompt": "x", "a": 1, "b": 2, "c": 3}, "extra", "3", "2", "limit_extra_keys"),
        ({"prompt": "x", "note": "y" * 60}, "extra_bytes", "72", "60", "limit_extra_bytes"),
        ({"prompt": "x", "note": "ä" * 30}, "extra_bytes", "72", "60", "limit_extra_bytes"),
        ({"prompt": "x", "expect": {"contains": ["y" * 50]}}, "expect", "68", "60", "limit_extra_bytes"),
    ],
)
def test_a_passed_bound_is_named_with_the_value_and_its_setting(fields, path, value, bound, setting):
    message = refusal(**fields).message
    assert message == f"tasks[3].{path}: {value} is over the bound of {bound} (settings: {setting})"


def test_a_priority_below_its_bound_is_named_with_both_as_they_are():
    message = refusal(prompt="x", priority=-10).message
    assert message == "tasks[3].priority: -10 is under the bound of -9 (settings: limit_priority)"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["temperature", "max_budget", "timeout_s", "reward", "not_before", "note"])
def test_nan_and_infinity_are_refused_wherever_they_stand(field, number):
    assert "NaN or an infinity" in refusal(prompt="x", **{field: number}).message
    assert refusal(prompt="x", **{field: [number]}).message.startswith(f"tasks[3].{field}: ")


@pytest.mark.parametrize("field", ["max_budget", "min_budget", "reward"])
@pytest.mark.parametrize("amount", [-1, -0.01, True, "5", math.nan, math.inf, -math.inf])
def test_what_is_no_amount_is_refused_by_the_contract_and_by_the_model_itself(field, amount):
    assert refusal(prompt="x", **{field: amount}).details["path"] == f"tasks[3].{field}"
    with pytest.raises(pydantic.ValidationError, match=field):
        Task(id="a", mode="llm", prompt="x", **{field: amount})


@pytest.mark.parametrize("field", ["prompt", "note", "model"])
def test_half_a_surrogate_pair_is_refused_before_it_reaches_the_store(field):
    assert "lone surrogate" in refusal(**{"prompt": "x", field: "\ud800"}).message


def test_a_key_that_is_no_text_is_refused_too():
    assert "lone surrogate" in refusal(prompt="x", **{"\udfff": 1}).message


@pytest.mark.parametrize(
    "field", ["priority", "max_tokens", "max_budget", "timeout_s", "reward", "not_before"]
)
def test_a_huge_integer_is_refused_in_a_sentence_that_can_be_read(field):
    error = refusal(prompt="x", **{field: 10**4000})
    assert error.message.startswith(f"tasks[3].{field}: ")
    assert len(error.message) < 250


def test_nesting_that_python_cannot_follow_is_refused():
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert "nested too deeply" in refusal(prompt="x", note=deep).message
    # Taken apart by hand: letting go of it recursively would be slow.
    while deep:
        deep = deep.pop()


def test_a_text_may_hold_nul_and_comes_back_as_it_was():
    task, document = normalize_task({"id": "t", "prompt": "a\0b", "note": "\0"}, Limits())
    assert task.prompt == "a\0b"
    assert json.loads(json.dumps(document))["note"] == "\0"


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (None, "null"),
        (True, "true or false"),
        (5, "a number"),
        (1.5, "a number"),
        ("x", "a text"),
        ([], "a list"),
    ],
)
def test_what_is_no_object_is_refused_by_its_kind(raw, kind):
    with pytest.raises(InvalidTask, match=f"tasks\\[1\\]: must be an object, not {kind}"):
        normalize_task(raw, LIMITS, "tasks[1]")


def test_an_id_is_needed():
    with pytest.raises(InvalidTask, match=r"task\.id: is missing"):
        normalize_task({"prompt": "x"}, LIMITS)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "prompt: is missing or empty: a task needs a prompt, a command or argv"),
        ({"mode": "local"}, "command: is missing or empty"),
        ({"mode": "local", "prompt": "x"}, "command: is missing: mode=local needs a command or argv"),
        ({"mode": "llm", "command": "ls"}, "prompt: is missing or empty"),
        ({"mode": "llm", "prompt": "x", "command": "ls"}, "mode: is llm, but the task has a command"),
        ({"mode": "llm", "prompt": "x", "argv": ["ls"]}, "mode: is llm, but the task has a command"),
        ({"command": "ls", "argv": ["ls"]}, "argv: give either command or argv, not both"),
        ({"command": " "}, "command: is missing or empty"),
        ({"command": "\u3164"}, "command: must not be empty: it holds nothing but blanks"),
        ({"command": "\u200b -x"}, "command: must not be empty: it holds nothing but blanks"),
        ({"command": "'\u200b' -x"}, "command: must not be empty: it holds nothing but blanks"),
        ({"argv": ["\u200b", "-x"]}, "argv[0]: must not be empty: it holds nothing but blanks"),
        ({"prompt": "x", "expect": {"commands": [["\u200b"]]}}, "expect.commands[0][0]: must not be empty"),
        ({"profile": "agent"}, "prompt: is missing or empty: a profile is given a prompt"),
        ({"profile": "agent", "prompt": " "}, "prompt: is missing or empty"),
        ({"profile": "agent", "prompt": "x", "mode": "llm"}, "mode: must be local where a profile is named"),
        ({"profile": "agent", "prompt": "x", "command": "ls"}, "profile: gives the command itself"),
        ({"profile": "agent", "prompt": "x", "argv": ["ls"]}, "profile: gives the command itself"),
        ({"profile": "", "prompt": "x"}, "profile: must match"),
        ({"profile": "../x", "prompt": "x"}, "profile: must match"),
        ({"profile": "x" * 65, "prompt": "x"}, "profile: must match"),
        ({"profile": ["agent"], "prompt": "x"}, "profile: must be a text"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields, message):
    assert refusal(**fields).message.startswith(f"tasks[3].{message}")


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({"prompt": "x"}, "llm"),
        ({"command": "ls"}, "local"),
        ({"argv": ["ls"]}, "local"),
        ({"prompt": "x", "argv": []}, "llm"),
        ({"prompt": "x", "command": "ls"}, "local"),
        ({"mode": None, "command": "ls"}, "local"),
        ({"profile": "agent", "prompt": "x"}, "local"),
        ({"profile": None, "prompt": "x"}, "llm"),
    ],
)
def test_the_mode_is_inferred_from_the_work(fields, mode):
    assert read(**fields).mode == mode


def test_the_defaults_are_those_of_the_seed_and_null_asks_for_them():
    task = read(prompt="x", depends_on=None, parallel_safe=None, status=None, type=None, expect=None)
    assert (task.type, task.depends_on, task.parallel_safe, task.status) == ("cycle", [], True, "pending")


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ({"instruction": "x"}, {"prompt": "x"}),
        ({"description": "x"}, {"prompt": "x"}),
        ({"atomic_instruction": "x"}, {"prompt": "x"}),
        ({"task": "x"}, {"prompt": "x"}),
        ({"instruction": "x", "description": "y"}, {"prompt": "x", "description": "y"}),
        ({"description": "y", "instruction": "x"}, {"description": "y", "prompt": "x"}),
        ({"instruction": "", "task": "x"}, {"instruction": "", "prompt": "x"}),
        ({"prompt": "x", "task": "y"}, {"prompt": "x", "task": "y"}),
        ({"prompt": "", "task": "y"}, {"prompt": "y"}),
        ({"prompt": None, "task": "y"}, {"prompt": "y"}),
        ({"shell": "ls"}, {"command": "ls"}),
        ({"mode": "local", "task": "ls"}, {"mode": "local", "command": "ls"}),
        (
            {"mode": "local", "task": "why", "shell": "ls"},
            {"mode": "local", "prompt": "why", "command": "ls"},
        ),
        (
            {"mode": "local", "task": "why", "argv": ["ls"]},
            {"mode": "local", "prompt": "why", "argv": ["ls"]},
        ),
        (
            {"mode": "local", "task": "why", "profile": "agent"},
            {"mode": "local", "prompt": "why", "profile": "agent"},
        ),
        ({"prompt": "x", "resident_identity": "ada"}, {"prompt": "x", "identity_id": "ada"}),
        ({"prompt": "x", "author_id": "ada"}, {"prompt": "x", "identity_id": "ada"}),
        ({"prompt": "x", "timeout": 5}, {"prompt": "x", "timeout_s": 5}),
    ],
)
def test_an_alias_is_read_and_the_canonical_name_written(raw, canonical):
    _, document = normalize_task({"id": "t", **raw}, Limits())
    assert list(document.items()) == [("id", "t"), *canonical.items()]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"timeout": 0}, "timeout_s"),
        ({"timeout_s": 0, "timeout": 5}, "timeout_s"),
        ({"shell": []}, "command"),
    ],
)
def test_a_wrong_value_under_an_alias_is_told_and_not_passed_over(fields, path):
    assert refusal(prompt="x", **fields).details["path"] == f"tasks[3].{path}"


def test_unknown_keys_are_kept_in_their_order_and_have_no_effect():
    raw = {"zeta": 1, "id": "t", "cwd": "/", "prompt": "x", "env": {"A": "b"}, "api_endpoint": "http://evil"}
    task, document = normalize_task(raw, Limits())
    assert list(document.items()) == list(raw.items())
    assert set(task.model_extra or ()) == {"zeta", "cwd", "env", "api_endpoint"}
    assert not {"cwd", "env", "api_endpoint"} & set(Task.model_fields)


def test_what_was_given_is_not_changed():
    raw = {"id": "t", "task": "x", "depends_on": None}
    normalize_task(raw, Limits())
    assert raw == {"id": "t", "task": "x", "depends_on": None}


@pytest.mark.parametrize("key", ["files_created", "files_modified", "artifacts"])
def test_the_seeds_declared_files_become_expected_files(key):
    assert read(prompt="x", **{key: "a.txt"}).expect.files == ["a.txt"]
    assert read(prompt="x", **{key: ["a.txt", "b"]}).expect.files == ["a.txt", "b"]
    assert read(prompt="x", expect={"format": "json"}, **{key: "a.txt"}).expect.files == []


@pytest.mark.parametrize(
    ("dollars", "micros"),
    [
        (0, 0),
        (1, 1_000_000),
        (0.1, 100_000),
        (0.0000005, 0),
        (0.0000015, 2),
        (1e-9, 0),
        (10_000, 10_000_000_000),
    ],
)
def test_dollars_become_whole_micro_dollars_rounded_half_to_even(dollars, micros):
    assert read(Limits(), prompt="x", max_budget=dollars).max_budget_micros == micros


def test_a_task_without_a_budget_has_none():
    assert read(prompt="x").max_budget_micros is None

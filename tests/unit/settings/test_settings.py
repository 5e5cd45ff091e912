"""Every setting from every source, which source wins, and that a mistake is told without telling a secret."""

from __future__ import annotations

import dataclasses
import json
import os
import traceback
import typing
from pathlib import Path
from typing import Any

import pytest

from attempts import AttemptPolicy
from errors import InvalidSetting
from runtime_contract import Limits
from setting_sources import FILES_ONLY, find_home, load_settings
from settings import Home, Settings

#: A value for each setting that is not its default, as TOML gives it.
OTHER: dict[str, Any] = {
    "log_level": "debug",
    "llm_base_url": "https://models.example/v1",
    "llm_api_key": "sk-other",
    "llm_model": "small",
    "llm_protocol": "anthropic",
    "llm_temperature": 0.5,
    "llm_price_input": 1.5,
    "llm_price_output": 2.5,
    "llm_proxy": "http://127.0.0.1:3128",
    "ollama_url": "http://127.0.0.1:9999",
    "breaker_spend_per_minute": 2.5,
    "tag_limits": {"gpu": 1},
    "model_limits": {"big": 2},
    "swarm_socket": True,
    "default_identity": "ada",
    "free_time": True,
    "audit_checkpoint_file": "~/elsewhere/checkpoints",
    "llm_private_addresses": "allow",
    "plan_model": "split",
    "plan_unreviewed": "words",
    "budget_day_usd": 5.0,
    "budget_total_usd": 100.0,
    "budget_run_usd": 2.5,
    "budget_model_usd": {"big": 1.5},
    "rate_requests": {"big": 60},
    "rate_tokens": {"big": 100_000},
    "profiles": {"agent": {"argv": ["echo", "{prompt}"]}},
    "sandbox": "landlock",
    "review_critic_model": "judge",
    "review_critic_confidence": 0.9,
    "checkpoints": False,
    "sandbox_cpu_s": 60.0,
    "tool_run_confidence": 0.75,
    "traces": "off",
    "otel_endpoint": "http://127.0.0.1:4318",
    "otel_prompts": True,
}
ANYWHERE = sorted(Settings.model_fields.keys() - FILES_ONLY)


def other(name: str) -> Any:
    if name in OTHER:
        return OTHER[name]
    default = Settings.model_fields[name].default
    return type(default)(default * 0.5 if name == "removal_ask_share" else default + 1)


def plain(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def to_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {to_toml(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


def write(home: Home, text: str, name: str = "skep.toml") -> None:
    path = home.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_can_come_from_the_file(home, name):
    write(home, f"{name} = {to_toml(other(name))}\n")
    loaded = load_settings(home, {})
    assert plain(getattr(loaded.settings, name)) == other(name) != Settings.model_fields[name].default
    assert loaded.sources == {name: "skep.toml"}


@pytest.mark.parametrize("name", ANYWHERE)
def test_every_setting_can_come_from_the_environment(home, name):
    value = other(name)
    text = json.dumps(value) if isinstance(value, dict) else str(value)
    loaded = load_settings(home, {f"SKEP_{name.upper()}": text})
    assert plain(getattr(loaded.settings, name)) == value
    assert loaded.sources == {name: "environment"}


@pytest.mark.parametrize("name", ANYWHERE)
def test_every_setting_can_come_from_a_flag(home, name):
    loaded = load_settings(home, {}, {name: other(name)})
    assert plain(getattr(loaded.settings, name)) == other(name)


def test_every_setting_has_a_meaning():
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("name", sorted(FILES_ONLY))
def test_what_grants_rights_comes_from_a_file_alone(home, name):
    with pytest.raises(InvalidSetting, match=f"SKEP_{name.upper()}: may be said by skep.toml only"):
        load_settings(home, {f"SKEP_{name.upper()}": json.dumps(other(name))})
    with pytest.raises(InvalidSetting, match=f"command line: {name} may be said by skep.toml only"):
        load_settings(home, {}, {name: other(name)})


def test_the_first_source_that_says_something_wins(home):
    environ: dict[str, str] = {}
    flags: dict[str, Any] = {"concurrency": None}
    found = [load_settings(home, environ, flags)]
    write(home, "concurrency = 2\n", "config/skep.toml")
    found.append(load_settings(home, environ, flags))
    write(home, "concurrency = 3\n")
    found.append(load_settings(home, environ, flags))
    environ["SKEP_CONCURRENCY"] = "4"
    found.append(load_settings(home, environ, flags))
    flags["concurrency"] = 5
    found.append(load_settings(home, environ, flags))
    assert [loaded.settings.concurrency for loaded in found] == [8, 2, 3, 4, 5]
    assert [loaded.sources.get("concurrency") for loaded in found] == [
        None,
        "config/skep.toml",
        "skep.toml",
        "environment",
        "command line",
    ]


def test_a_table_of_the_file_is_a_prefix(home):
    write(home, '[llm]\nmodel = "small"\nmax_tokens = 9\n[tag_limits]\ngpu = 1\n')
    settings = load_settings(home, {}).settings
    assert (settings.llm_model, settings.llm_max_tokens, settings.tag_limits) == ("small", 9, {"gpu": 1})


def test_an_empty_variable_says_nothing_and_foreign_ones_are_left_alone(home):
    environ = {
        "SKEP_LLM_MODEL": "",
        "SKEP_HOME": "/x",
        "SKEP_FAULT": "x",
        "PATH": "/bin",
        "_SKEP_COMPLETE": "y",
    }
    assert load_settings(home, environ).sources == {}


@pytest.mark.parametrize(
    ("environ", "flags", "text", "message"),
    [
        (
            {"SKEP_CONCURENCY": "2"},
            {},
            "",
            "SKEP_CONCURENCY: there is no setting 'concurency'; did you mean SKEP_CONCURRENCY?",
        ),
        ({}, {"worker": 2}, "", "command line: there is no setting 'worker'; did you mean workers?"),
        (
            {},
            {},
            "[llm]\nmodle = 'x'\n",
            "skep.toml: there is no setting 'llm_modle'; did you mean llm_model?",
        ),
        ({}, {}, "zzz = 1\n", "skep.toml: there is no setting 'zzz'"),
        ({}, {}, "a = = 1\n", "skep.toml: Invalid value (at line 1, column 5)"),
        ({"SKEP_WORKERS": "17"}, {}, "", "SKEP_WORKERS: must be less than or equal to 16, got '17'"),
        ({"SKEP_WORKERS": "two"}, {}, "", "SKEP_WORKERS: must be a whole number, got 'two'"),
        ({"SKEP_WORKERS": "9" * 5000}, {}, "", "SKEP_WORKERS: must be a whole number of fewer digits, got "),
        ({}, {}, "workers = 1.5\n", "skep.toml: workers must be a whole number, got 1.5"),
        ({}, {}, "workers = []\n", "skep.toml: workers must be a whole number, got []"),
        ({"SKEP_LEASE_S": "soon"}, {}, "", "SKEP_LEASE_S: must be a number, got 'soon'"),
        ({}, {}, "lease_s = []\n", "skep.toml: lease_s must be a number, got []"),
        ({"SKEP_PLAN_REVIEW": "maybe"}, {}, "", "SKEP_PLAN_REVIEW: must be true or false, got 'maybe'"),
        ({}, {}, "plan_review = []\n", "skep.toml: plan_review must be true or false, got []"),
        ({}, {}, "llm_model = 3\n", "skep.toml: llm_model must be text, got 3"),
        (
            {"SKEP_TAG_LIMITS": '{"gpu": "x"}'},
            {},
            "",
            "SKEP_TAG_LIMITS: every value must be a whole number, got 'x'",
        ),
        ({}, {}, "workers = true\n", "skep.toml: workers must not be true or false, got True"),
        ({}, {}, "stop_grace_s = true\n", "skep.toml: stop_grace_s must not be true or false"),
        ({}, {}, "lease_s = nan\n", "skep.toml: lease_s must be a finite number"),
        ({"SKEP_LEASE_S": "inf"}, {}, "", "SKEP_LEASE_S: must be a finite number, got 'inf'"),
        (
            {},
            {},
            "log_level = 'loud'\n",
            "log_level must be 'debug', 'info', 'warning' or 'error', got 'loud'",
        ),
        (
            {"SKEP_OLLAMA_URL": "ftp://x"},
            {},
            "",
            "SKEP_OLLAMA_URL: must be an http:// or https:// address, got 'ftp://x'",
        ),
        (
            {"SKEP_LLM_BASE_URL": "http://[::1"},
            {},
            "",
            "SKEP_LLM_BASE_URL: must be an http:// or https:// address, got 'http://[::1'",
        ),
        ({"SKEP_OLLAMA_URL": "http://"}, {}, "", "SKEP_OLLAMA_URL: must be an http:// or https:// address"),
        (
            {"SKEP_TAG_LIMITS": "gpu=1"},
            {},
            "",
            """SKEP_TAG_LIMITS: must be JSON such as {"gpu": 1}, got 'gpu=1'""",
        ),
        ({"SKEP_ZZZ": "1"}, {}, "", "SKEP_ZZZ: there is no setting 'zzz'; unset it, or correct its name"),
        ({}, {"workers": 17}, "", "command line: workers must be less than or equal to 16, got 17"),
        ({"SKEP_TAG_LIMITS": "[1]"}, {}, "", "SKEP_TAG_LIMITS: must be a table, got [1]"),
        ({"SKEP_MODEL_LIMITS": '{"m": 0}'}, {}, "", "SKEP_MODEL_LIMITS: every limit must be at least 1"),
        ({"SKEP_TAG_LIMITS": '{"a|alone": 1}'}, {}, "", "SKEP_TAG_LIMITS: must not have a | in a name"),
    ],
)
def test_a_mistake_names_the_source_the_setting_and_what_is_allowed(home, environ, flags, text, message):
    if text:
        write(home, text)
    with pytest.raises(InvalidSetting) as caught:
        load_settings(home, environ, flags)
    assert message in caught.value.message


def test_a_file_that_is_not_text_is_told(home):
    (home.root / "skep.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSetting, match=r"skep\.toml: 'utf-8' codec"):
        load_settings(home, {})


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"SKEP_LLM_API_KEY": "hunter2", "SKEP_WORKERS": "0"}, ""),
        ({"SKEP_LLM_APIKEY": "hunter2"}, ""),
        ({"SKEP_PROFILES": "hunter2"}, ""),
        ({"SKEP_LLM_BASE_URL": "ftp://me:hunter2@host"}, ""),
        ({"SKEP_LLM_PROXY": "socks://me:hunter2@host"}, ""),
        ({}, 'llm_api_key = ["hunter2"]\n'),
        ({}, 'llm_api_key = {a = "hunter2"}\n'),
    ],
)
def test_no_error_tells_a_secret_not_even_in_its_traceback(home, environ, text):
    if text:
        write(home, text)
    with pytest.raises(InvalidSetting) as caught:
        load_settings(home, environ)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in json.dumps(caught.value.to_problem())


def test_no_repr_tells_a_secret(home):
    environ = {
        "SKEP_LLM_API_KEY": "hunter2",
        "SKEP_LLM_BASE_URL": "http://me:hunter2@host/v1",
        "SKEP_LLM_PROXY": "http://me:hunter2@proxy",
    }
    settings = load_settings(home, environ).settings
    assert "hunter2" not in f"{settings!r}{settings}{load_settings(home, environ)!r}"
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == "hunter2"


def test_every_bound_of_the_contract_is_a_setting_of_the_same_default():
    assert Settings().limits == Limits()
    for field in dataclasses.fields(Limits):
        name = f"limit_{field.name}"
        changed = Settings.model_validate({name: other(name)})
        assert getattr(changed.limits, field.name) == other(name)


def test_the_attempt_policy_follows_the_settings():
    assert Settings().attempt_policy == AttemptPolicy()
    assert Settings(max_attempts=7).attempt_policy.max_attempts == 7


def test_settings_cannot_be_changed_once_read():
    with pytest.raises(ValueError, match="frozen"):
        typing.cast(Any, Settings()).workers = 2


def test_the_home_is_the_flags_else_the_environments_else_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_home(None, {}).root == tmp_path
    assert find_home(None, {"SKEP_HOME": str(tmp_path / "a")}).root == tmp_path / "a"
    assert find_home("b", {"SKEP_HOME": str(tmp_path / "a")}).root == tmp_path / "b"


def test_a_home_behind_links_in_a_circle_and_one_of_nobody_are_homes_that_are_not_there(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "round").symlink_to("about")
    (tmp_path / "about").symlink_to("round")

    assert not find_home(str(tmp_path / "round"), {}).root.exists()
    assert find_home("~nobody-of-this-name", {}).root == tmp_path / "~nobody-of-this-name"


def test_a_current_directory_that_is_gone_is_told_with_the_way_out(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(InvalidSetting, match=r"the current directory does not exist any more.* SKEP_HOME"):
        find_home(None, {})
    assert find_home(str(tmp_path), {}).root == tmp_path
    os.chdir(tmp_path)  # where the test goes back from


@pytest.mark.parametrize("name", ["skep.toml", "config/skep.toml"])
def test_a_settings_file_may_switch_the_sandbox_off(home, name):
    write(home, 'sandbox = "off"\n', name)
    assert load_settings(home, {}).settings.sandbox == "off"


@pytest.mark.parametrize(
    ("environ", "flags"),
    [({"SKEP_SANDBOX": "off"}, {}), ({}, {"sandbox": "off"})],
    ids=["environment", "flag"],
)
def test_nothing_else_may_switch_the_sandbox_off(home, environ, flags):
    with pytest.raises(InvalidSetting, match="may be said by a settings file only") as failed:
        load_settings(home, environ, flags)
    assert failed.value.details["setting"] == "sandbox"


def test_a_settings_file_that_others_can_write_may_not_switch_the_sandbox_off(home):
    write(home, 'sandbox = "off"\n')
    (home.root / "skep.toml").chmod(0o620)
    with pytest.raises(InvalidSetting, match=r"nobody else may write: chmod go-w skep\.toml"):
        load_settings(home, {})


def test_what_a_file_switched_off_may_be_switched_on_by_anybody(home):
    write(home, 'sandbox = "off"\n')
    assert load_settings(home, {"SKEP_SANDBOX": "bubblewrap"}).settings.sandbox == "bubblewrap"

"""`skep service` where the shell sets what the service will not have."""

from __future__ import annotations

import os

import pytest

import host_platform


@pytest.fixture(autouse=True)
def _no_settings(tmp_path_factory, monkeypatch) -> None:
    for variable in [each for each in os.environ if each.startswith("SKEP_") and each != "SKEP_HOME"]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setattr(host_platform, "IS_LINUX", True)


@pytest.mark.parametrize("action", ["install", "show"])
def test_what_the_shell_sets_is_told_by_name_alone(action, store, run, monkeypatch) -> None:
    monkeypatch.setenv("SKEP_SWARM_PORT", "18999")
    monkeypatch.setenv("SKEP_PANEL_PORT", "18998")
    monkeypatch.setenv("SKEP_LLM_MODEL", "")  # says nothing

    told = run("service", action).stderr

    assert (
        "will not have what this shell sets: SKEP_PANEL_PORT, SKEP_SWARM_PORT. Put it into skep.toml" in told
    )
    assert "1899" not in told


def test_a_key_is_to_go_into_a_file_that_is_closed_to_others(store, run, monkeypatch) -> None:
    monkeypatch.setenv("SKEP_LLM_API_KEY", "a-key-of-my-own-12")

    told = run("service", "install").stderr

    assert "SKEP_LLM_API_KEY. Put it into skep.toml" in told
    assert "chmod 600 skep.toml" in told
    assert "a-key-of-my-own-12" not in told


def test_where_the_shell_sets_nothing_nothing_is_told(store, run) -> None:
    assert run("service", "install").stderr == ""
    assert run("service", "show").stderr == ""


def test_what_is_taken_out_needs_no_settings(store, run, monkeypatch) -> None:
    run("service", "install")
    monkeypatch.setenv("SKEP_SWARM_PORT", "18999")

    assert run("service", "uninstall").stderr == ""

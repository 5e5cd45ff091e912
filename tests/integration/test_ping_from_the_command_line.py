"""`skep ping` over a real socket: an answer, a refusal in the server's words, nobody, and no model at all."""

from __future__ import annotations

import pytest

from testing.model_server import Reply
from tests.integration.test_llm_discovery import nobody  # noqa: F401  a fixture
from tests.unit.commands.conftest import *  # noqa: F403  the command line over a home

pytestmark = pytest.mark.usefixtures("store")


def test_a_server_that_has_every_model_is_told_with_its_time(configured, home, run, ask):
    configured.models = ["big", "judge:latest", "other"]
    home.models_file.parent.mkdir(exist_ok=True)
    home.models_file.write_text('[roles]\nfast = "judge"\n')

    told, found = run("ping").stdout, ask("ping")

    assert told.startswith(f"{configured.url}: It answered in 0.")
    assert told.endswith("lists 3 models. It has big, judge.\n")
    assert (found["ok"], found["reached"], found["welcome"]) == (True, True, True)
    assert found["asked"] == [{"model": "big", "listed": True}, {"model": "judge", "listed": True}]
    assert 0 <= found["seconds"] < 5
    assert configured.requests == []  # no answer was asked for


def test_one_model_that_the_server_lacks_is_said_with_the_way_out(configured, run, ask):
    configured.models = ["big"]

    told, found = run("ping", "bgi", code=1), ask("ping", "bgi", code=1)

    assert "but not bgi: correct the name, or have the server offer it." in told.stderr
    assert (found["ok"], found["missing"], found["models"]) == (False, ["bgi"], ["big"])
    assert run("ping", "big").stderr == ""


def test_a_refusal_is_told_in_the_server_s_own_words(configured, run, ask):
    configured.models_reply = Reply(status=401, text="The key has expired, says the provider.")

    told, found = run("ping", code=1), ask("ping", code=1)

    assert "The key has expired, says the provider." in told.stderr
    assert "SKEP_LLM_API_KEY" in told.stderr
    assert (found["reached"], found["welcome"], found["missing"]) == (True, False, [])
    assert found["asked"] == [{"model": "big", "listed": False}]


def test_a_server_that_is_not_there_is_1_and_no_server_at_all_is_3(nobody, monkeypatch, run, ask):  # noqa: F811
    assert "set SKEP_LLM_BASE_URL" in run("ping", code=3).stderr
    assert ask("ping", "big", code=3)["ok"] is False

    monkeypatch.setenv("SKEP_LLM_BASE_URL", nobody)
    assert f"at {nobody}/v1 cannot be reached" in run("ping", code=1).stderr


def test_where_no_model_is_named_the_first_that_chats_is_told(configured, monkeypatch, run):
    monkeypatch.delenv("SKEP_LLM_MODEL")
    configured.models = ["text-embed", "chatty"]
    assert "It has chatty." in run("ping").stdout

    configured.models = ["text-embed"]
    assert "set SKEP_LLM_MODEL" in run("ping", code=3).stderr


def test_nothing_is_asked_while_the_kill_switch_is_on(configured, home, run):
    home.kill_switch.write_text("stop it")

    assert "stop it" in run("ping", code=1).stderr

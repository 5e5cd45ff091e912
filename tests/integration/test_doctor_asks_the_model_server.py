"""`skep doctor` asks a configured model server for its list, over a real socket, and tells the truth."""

from __future__ import annotations

import functools
import threading

import pytest

from llm.ping import listing
from testing.model_server import Reply
from tests.integration.test_llm_discovery import nobody  # noqa: F401  a fixture
from tests.unit.commands.conftest import *  # noqa: F403  the command line over a home

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture(autouse=True)
def _own_ports(monkeypatch):
    monkeypatch.setenv("SKEP_SWARM_PORT", "0")
    monkeypatch.setenv("SKEP_PANEL_PORT", "0")


@pytest.fixture
def model(ask):
    """What doctor finds of the model; that it exits with 0 is held by `ask`."""

    def find() -> dict[str, str]:
        (found,) = [each for each in ask("doctor")["checks"] if each["check"] == "model"]
        return found

    return find


def test_a_server_that_has_the_model_is_fine_and_only_its_list_was_asked_for(configured, model):
    configured.models = ["other", "big:latest"]

    found = model()

    assert (found["level"], found["way_out"]) == ("ok", "")
    assert f"The model server at {configured.url} answered in 0." in found["told"]
    assert found["told"].endswith("and has big.")
    assert configured.requests == []


def test_a_server_that_is_not_there_is_a_warning_with_what_to_do(nobody, monkeypatch, model):  # noqa: F811
    monkeypatch.setenv("SKEP_LLM_BASE_URL", nobody)
    monkeypatch.setenv("SKEP_LLM_MODEL", "big")

    found = model()

    assert (found["level"], "cannot be reached" in found["told"]) == ("warn", True)
    assert found["way_out"].startswith("Start it, or correct SKEP_LLM_BASE_URL")
    assert "commands run without" in found["way_out"]


def test_a_server_that_says_nothing_is_given_up_in_bounded_time(configured, monkeypatch, model):
    monkeypatch.setattr("llm.ping.listing", functools.partial(listing, timeout_s=0.2))
    held = threading.Event()
    configured.models_reply = Reply(hold=held)

    found = model()
    held.set()

    assert (found["level"], "0.2 s" in found["told"]) == ("warn", True)
    assert "LLM tasks wait until it answers" in found["way_out"]


@pytest.mark.parametrize(
    ("status", "told", "way_out"),
    [
        (401, "refused the call (401 Unauthorized): says the server.", "SKEP_LLM_API_KEY"),
        (403, "refused the call (403 Forbidden): says the server.", "SKEP_LLM_API_KEY"),
        (500, "failed (500 Internal Server Error): says the server.", "Look at its own log"),
        (503, "failed (503 Service Unavailable): says the server.", "Look at its own log"),
        (429, "is busy (429 Too Many Requests): says the server.", "tried again by themselves"),
        (302, "it redirects to another address", "Correct what it names"),
    ],
)
def test_a_server_that_refuses_or_fails_is_a_warning_in_its_words(configured, model, status, told, way_out):
    configured.models_reply = Reply(status=status, text="says the server")

    found = model()

    assert (found["level"], told in found["told"], way_out in found["way_out"]) == ("warn", True, True)
    assert "key-of-the-test" not in str(found)


def test_a_server_that_lacks_the_model_is_a_warning_with_those_it_has(configured, model):
    configured.models = ["huge", "small"]

    found = model()

    assert found["level"] == "warn"
    assert found["told"].endswith("big is not on its list: huge, small.")
    assert "Correct SKEP_LLM_MODEL" in found["way_out"]


@pytest.mark.parametrize(
    "reply",
    [Reply(status=404), Reply(status=405), Reply(status=501), Reply(body="{}"), Reply(body="hello")],
    ids=["404", "405", "501", "other-json", "text"],
)
def test_a_server_that_does_not_list_its_models_is_no_trouble(configured, model, reply):
    configured.models_reply = reply

    found = model()

    assert (found["level"], "was reached and names no models" in found["told"]) == ("ok", True)


def test_an_empty_list_is_a_warning(configured, model):
    configured.models = []

    found = model()

    assert (found["level"], found["told"].endswith("answered, and names no models.")) == ("warn", True)
    assert "offer big" in found["way_out"]


@pytest.mark.parametrize("named", [{}, {"SKEP_LLM_MODEL": "big"}], ids=["no-model-named", "a-model-named"])
def test_nobody_is_asked_while_the_kill_switch_is_on(server, monkeypatch, home, model, asked_lists, named):
    for name, value in {"SKEP_LLM_BASE_URL": server.url, **named}.items():
        monkeypatch.setenv(name, value)
    home.kill_switch.write_text("a test")

    found = model()

    assert (found["level"], "the kill switch is on: a test" in found["told"]) == ("warn", True)
    assert "skep doctor" in found["way_out"]
    assert asked_lists == []


def test_ollama_is_not_asked_while_the_kill_switch_is_on(server, monkeypatch, home, model, asked_lists):
    monkeypatch.setenv("SKEP_OLLAMA_URL", server.root)
    home.kill_switch.write_text("")

    assert "No server was asked" in model()["told"]
    assert asked_lists == []
    home.kill_switch.unlink()
    assert model()["level"] == "ok"
    assert asked_lists != []


@pytest.fixture
def asked_lists(monkeypatch):
    """The paths of the lists that servers were asked for."""
    from testing.model_http import ModelHandler

    asked: list[str] = []
    answer = ModelHandler.do_GET

    def count(handler: ModelHandler) -> None:
        asked.append(handler.path)
        answer(handler)

    monkeypatch.setattr(ModelHandler, "do_GET", count)
    return asked

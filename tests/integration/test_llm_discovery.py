"""Which model is found, over real sockets."""

from __future__ import annotations

import contextlib
import socket

import pytest

from errors import InvalidSetting, NoModel
from llm import AnthropicMessagesClient, ModelStatus, OpenAIChatClient, find_model, make_client
from llm.discovery import first_chat_model
from settings import Settings
from testing.model_client import ask
from testing.model_server import Reply


@pytest.fixture
def nobody():
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_with_nothing_set_and_nobody_there_the_way_out_is_named(nobody):
    status = find_model(Settings(ollama_url=nobody))

    assert status == ModelStatus(
        ready=False,
        model=None,
        endpoint=None,
        reason="no model configured: set SKEP_LLM_BASE_URL, SKEP_LLM_API_KEY and SKEP_LLM_MODEL, "
        "or start Ollama",
    )
    with pytest.raises(NoModel, match="no model configured"):
        make_client(Settings(ollama_url=nobody), status)


def test_ollama_is_found_and_its_first_model_that_chats_is_taken(server):
    server.models = ["nomic-embed-text:latest", "llama3.2:latest", "other"]
    settings = Settings(ollama_url=server.root, llm_api_key="sk-for-somebody-else")

    status = find_model(settings)

    assert (status.ready, status.model, status.endpoint) == (True, "llama3.2:latest", server.url)
    with contextlib.closing(make_client(settings, status)) as client:
        assert ask(client).text == "ok"
    assert "authorization" not in server.requests[0].headers


def test_ollama_has_the_model_that_is_asked_for(server):
    server.models = ["first", "llama3.2:latest"]

    assert find_model(Settings(ollama_url=server.root, llm_model="llama3.2")).model == "llama3.2"


@pytest.mark.parametrize(
    ("models", "settings", "words"),
    [
        ([], {}, "ollama pull"),
        (["nomic-embed-text"], {}, "ollama pull"),
        (["other"], {"llm_model": "mine"}, "has other, not mine"),
        ([], {"llm_model": "mine"}, "ollama pull mine"),
    ],
)
def test_an_ollama_without_the_model_says_what_to_do(server, models, settings, words):
    server.models = models

    status = find_model(Settings(ollama_url=server.root, **settings))

    assert not status.ready
    assert status.reason.startswith("no model configured")
    assert words in status.reason


def test_something_else_in_ollamas_place_is_told(server):
    server.models_reply = Reply(status=500, text="not me")

    status = find_model(Settings(ollama_url=server.root))

    assert not status.ready
    assert status.reason.startswith("no model configured")
    assert "not me" in status.reason


def test_a_configured_model_is_ready_without_asking(nobody):
    status = find_model(Settings(llm_base_url=nobody, llm_model="mine"))

    assert (status.ready, status.model, status.endpoint) == (True, "mine", f"{nobody}/v1")


def test_a_configured_server_is_asked_for_its_models(server):
    server.models = ["text-embedding-3", "b", "a"]

    assert find_model(Settings(llm_base_url=server.url)).model == "b"


@pytest.mark.parametrize("listing", [Reply(status=500), Reply(body="null"), Reply(body='{"data": []}')])
def test_a_server_without_a_list_needs_the_setting(server, listing):
    server.models_reply = listing

    status = find_model(Settings(llm_base_url=server.url))

    assert not status.ready
    assert status.reason.startswith("no model configured")
    assert "SKEP_LLM_MODEL" in status.reason


def test_a_forbidden_address_is_an_error_of_the_settings():
    with pytest.raises(InvalidSetting, match="llm_base_url"):
        find_model(Settings(llm_base_url="http://example.org", llm_model="mine"))


def test_the_client_speaks_the_protocol(nobody):
    for protocol, kind in (("openai", OpenAIChatClient), ("anthropic", AnthropicMessagesClient)):
        settings = Settings.model_validate(
            {"llm_base_url": nobody, "llm_model": "mine", "llm_protocol": protocol}
        )
        with contextlib.closing(make_client(settings, find_model(settings))) as client:
            assert type(client) is kind


def test_models_that_do_not_chat_are_passed_over():
    names = ["text-embedding-3-small", "whisper-1", "tts-1", "dall-e-3", "bge-m3", "gpt-5"]

    assert first_chat_model(names) == "gpt-5"
    assert first_chat_model(names[:-1]) is None

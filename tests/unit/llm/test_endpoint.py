from __future__ import annotations

import pytest

from errors import InvalidSetting
from llm.endpoint import endpoint_from_settings, is_loopback, ollama_endpoint
from settings import Settings


def endpoint(url: str, **settings):
    return endpoint_from_settings(Settings(llm_base_url=url, **settings))


@pytest.mark.parametrize(
    ("address", "base_url"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1"),
        ("http://LOCALHOST:8000/v1", "http://localhost:8000/v1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        ("https://example.org/openai/", "https://example.org/openai"),
    ],
)
def test_every_usual_form_of_an_address_is_read(address, base_url):
    assert endpoint(address).base_url == base_url


@pytest.mark.parametrize(
    ("address", "way_out"),
    [
        ("http://example.org/v1", "https://example.org"),
        ("http://192.168.1.5:11434", "tunnel"),
        ("http://127.0.0.1.example.org", "https://"),
        ("http://0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("https://me:secret@example.org", "llm_api_key"),
        ("https://example.org/v1?key=secret", "'?'"),
        ("https://example.org:99999/", "such as"),
    ],
)
def test_a_wrong_address_is_refused_with_the_way_out(address, way_out):
    with pytest.raises(InvalidSetting, match="llm_base_url") as caught:
        endpoint(address)

    assert way_out in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("models.localhost", True),
        ("localhost.example.org", False),
        ("0.0.0.0", False),
        ("2130706433", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback_is_known_by_name_alone(host, answer):
    assert is_loopback(host) is answer


def test_the_protocol_follows_the_host_unless_it_is_set():
    assert endpoint("https://api.anthropic.com").protocol == "anthropic"
    assert endpoint("https://example.org").protocol == "openai"
    assert endpoint("https://example.org", llm_protocol="anthropic").protocol == "anthropic"


def test_the_key_loses_its_white_space_and_is_never_shown():
    found = endpoint("https://example.org", llm_api_key=" sk-secret\n", llm_proxy="http://me:pass@proxy:3128")

    assert found.api_key == "sk-secret"
    assert "sk-secret" not in repr(found)
    assert "pass" not in repr(found)


@pytest.mark.parametrize("key", ["sk secret", "sk-s\u00e9cret", "sk\x00secret", "sk-secret\r\nx-evil: 1"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key):
    with pytest.raises(InvalidSetting) as caught:
        endpoint("https://example.org", llm_api_key=key)

    assert "secret" not in caught.value.message


def test_the_proxy_is_for_other_machines_only():
    assert endpoint("https://example.org", llm_proxy="http://proxy:1").proxy == "http://proxy:1"
    assert endpoint("http://127.0.0.1:1", llm_proxy="http://proxy:1").proxy is None


def test_without_an_address_there_is_no_endpoint_and_ollama_never_gets_the_key():
    settings = Settings(llm_api_key="sk-secret", llm_protocol="anthropic")

    assert endpoint_from_settings(settings) is None
    assert ollama_endpoint(settings).api_key is None
    assert ollama_endpoint(settings).protocol == "openai"

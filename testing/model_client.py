"""Short ways to ask a scripted model server in a test."""

from __future__ import annotations

from typing import Any

from llm.contracts import Call, ChatClient, ChatRequest, ChatResult, Message
from llm.discovery import find_model, make_client
from settings import Settings

#: The key that test clients send; no message may ever show it.
TEST_KEY = "sk-test-0123456789"


def client_for(url: str, protocol: str = "openai", **settings: Any) -> ChatClient:
    """A client for the server at `url`, with the test key. Close it."""
    values = {
        "llm_base_url": url,
        "llm_api_key": TEST_KEY,
        "llm_model": "test-model",
        "llm_protocol": protocol,
    }
    known = Settings.model_validate({**values, **settings})
    return make_client(known, find_model(known))


def question(prompt: str = "hello there", **changes: Any) -> ChatRequest:
    """A request with one user message."""
    values: dict[str, Any] = {
        "messages": (Message("user", prompt),),
        "model": "test-model",
        "max_tokens": 100,
        "temperature": None,
        "timeout_s": 30.0,
    }
    return ChatRequest(**{**values, **changes})


def ask(client: ChatClient, prompt: str = "hello there", **changes: Any) -> ChatResult:
    """Ask and wait for the answer; its pieces are thrown away."""
    return client.complete(question(prompt, **changes), on_text=lambda _: None, call=Call())

"""Provider clients: ask a model over HTTP, stream its answer, map what goes wrong to `errors`.

The names are found when they are asked for: who needs only a message's shape loads no HTTP client.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from llm.anthropic_messages import AnthropicMessagesClient
    from llm.contracts import Call, CallCancelled, ChatClient, ChatRequest, ChatResult, Message, Usage
    from llm.discovery import ModelStatus, find_model, make_client
    from llm.endpoint import Endpoint, endpoint_from_settings
    from llm.openai_chat import OpenAIChatClient

__all__ = [
    "AnthropicMessagesClient",
    "Call",
    "CallCancelled",
    "ChatClient",
    "ChatRequest",
    "ChatResult",
    "Endpoint",
    "Message",
    "ModelStatus",
    "OpenAIChatClient",
    "Usage",
    "endpoint_from_settings",
    "find_model",
    "make_client",
]

#: Where each is.
_MODULES: Final = {
    "AnthropicMessagesClient": "anthropic_messages",
    "ModelStatus": "discovery",
    "find_model": "discovery",
    "make_client": "discovery",
    "Endpoint": "endpoint",
    "endpoint_from_settings": "endpoint",
    "OpenAIChatClient": "openai_chat",
}


def __getattr__(name: str) -> Any:
    """A public name, loaded with the module that has it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"llm.{_MODULES.get(name, 'contracts')}"), name)

"""Provider clients: ask a model over HTTP, stream its answer, map what goes wrong to `errors`."""

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

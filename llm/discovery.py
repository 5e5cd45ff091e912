"""Which model answers: the configured one, or what Ollama on this machine offers."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from errors import ModelError, NoModel
from llm.contracts import ChatClient
from llm.endpoint import Endpoint, endpoint_from_settings, ollama_endpoint
from settings import Settings

#: Seconds for a look whether anything listens at all.
PROBE_S: Final = 0.5
#: Seconds for a list of models.
LISTING_S: Final = 5.0

#: What is said where no server is named, and Ollama is not there.
NOT_CONFIGURED: Final = (
    "no model configured: set SKEP_LLM_BASE_URL, SKEP_LLM_API_KEY and SKEP_LLM_MODEL, or start Ollama"
)
#: Names of models that do not chat; servers list them among the others.
_NO_CHAT: Final = re.compile(
    r"embed|rerank|whisper|\btts|transcri|moderation|dall-e|image|\bbge\b|minilm|davinci|babbage",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ModelStatus:
    """Whether a model can be asked."""

    ready: bool
    #: the model used where a task names none
    model: str | None
    #: base URL
    endpoint: str | None
    #: a sentence: which model answers, or what to do so that one does
    reason: str
    #: whether the server could be reached when it was asked last; none: nobody has asked it yet
    reached: bool | None = None

    def heard(self, trouble: str | None, *, reached: bool = False) -> ModelStatus:
        """The same after it was asked: it answers (none), or what was wrong, and whether it was reached."""
        told = f"{self.model} answers at {self.endpoint}" if trouble is None else f"{self.model}: {trouble}"
        return replace(self, reason=told, reached=trouble is None or reached)


def find_model(settings: Settings) -> ModelStatus:
    """Find the model to use.

    With `llm_base_url` and `llm_model` nothing is asked. With `llm_base_url` alone the server is asked for
    its models; without it Ollama is. Of a list the first model counts that chats, in the server's own order:
    Ollama lists the one changed last first. Raises `InvalidSetting`.
    """
    endpoint = endpoint_from_settings(settings)
    if endpoint is None:
        return _ask_ollama(settings)
    if settings.llm_model:
        return _configured(settings.llm_model, endpoint)
    try:
        name = first_chat_model(_list(endpoint))
    except ModelError as error:
        return _not_ready(endpoint, f"no model configured: set SKEP_LLM_MODEL. {error.message}")
    if name is None:
        return _not_ready(
            endpoint,
            f"no model configured: {endpoint.base_url} lists no model that chats; set SKEP_LLM_MODEL",
        )
    return _ready(name, endpoint)


def make_client(settings: Settings, status: ModelStatus) -> ChatClient:
    """A client for the endpoint of `status`. Raises `NoModel` where none is ready."""
    if not status.ready:
        raise NoModel(status.reason)
    return client_of(endpoint_of(settings))


def endpoint_of(settings: Settings) -> Endpoint:
    """The server that the settings name, or Ollama here. Raises `InvalidSetting`."""
    return endpoint_from_settings(settings) or ollama_endpoint(settings)


def list_models(settings: Settings) -> list[str]:
    """The models that the server lists which the settings name, or Ollama here. Raises `ModelError`."""
    return _list(endpoint_of(settings))


def first_chat_model(names: list[str]) -> str | None:
    """The first of `names` that is not known to do something else than chat, such as embeddings."""
    return next((name for name in names if not _NO_CHAT.search(name)), None)


def is_listed(model: str, names: Collection[str]) -> bool:
    """Whether a server that lists `names` has a model; without a tag its name means the tag latest."""
    return model in names or f"{model}:latest" in names


def _ask_ollama(settings: Settings) -> ModelStatus:
    endpoint = ollama_endpoint(settings)
    if not _listens(endpoint):
        return _not_ready(None, NOT_CONFIGURED)
    try:
        names = _list(endpoint)
    except ModelError as error:
        return _not_ready(endpoint, f"{NOT_CONFIGURED}. {error.message}")
    if settings.llm_model:
        return _wanted(settings.llm_model, names, endpoint)
    name = first_chat_model(names)
    if name is None:
        return _not_ready(
            endpoint,
            f"no model configured: Ollama at {endpoint.base_url} has no model; run: ollama pull llama3.2",
        )
    return _ready(name, endpoint)


def _wanted(model: str, names: list[str], endpoint: Endpoint) -> ModelStatus:
    """The model asked for, if Ollama has it."""
    if is_listed(model, names):
        return _ready(model, endpoint)
    has = f"has {', '.join(names[:10])}" if names else "has no model"
    return _not_ready(
        endpoint,
        f"no model configured: Ollama at {endpoint.base_url} {has}, not {model}; run: ollama pull {model}, "
        "or set SKEP_LLM_BASE_URL and SKEP_LLM_API_KEY",
    )


def _configured(model: str, endpoint: Endpoint) -> ModelStatus:
    reason = f"{model} is configured at {endpoint.base_url}, and was not asked yet"
    return ModelStatus(True, model, endpoint.base_url, reason)


def _ready(model: str, endpoint: Endpoint) -> ModelStatus:
    """A model of a server that has just told of it."""
    return _configured(model, endpoint).heard(None)


def _not_ready(endpoint: Endpoint | None, reason: str) -> ModelStatus:
    return ModelStatus(False, None, endpoint.base_url if endpoint else None, reason)


def client_of(endpoint: Endpoint) -> ChatClient:
    """A client for an endpoint, which asks nothing yet."""
    if endpoint.protocol == "anthropic":
        from llm.anthropic_messages import AnthropicMessagesClient  # noqa: PLC0415

        return AnthropicMessagesClient(endpoint)
    from llm.openai_chat import OpenAIChatClient  # noqa: PLC0415

    return OpenAIChatClient(endpoint)


def _list(endpoint: Endpoint) -> list[str]:
    with contextlib.closing(client_of(endpoint)) as client:
        return client.models(LISTING_S)


def _listens(endpoint: Endpoint) -> bool:
    """Whether something accepts connections there: the usual answer, no, takes no HTTP.

    Elsewhere than on this machine it is asked properly, by a connection that looks at the address first.
    """
    if not endpoint.is_loopback:
        return True
    parts = urlsplit(endpoint.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((endpoint.host, port), timeout=PROBE_S).close()
    except OSError:
        return False
    return True

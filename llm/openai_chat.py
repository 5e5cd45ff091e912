"""The OpenAI chat completions API, as OpenAI and everybody who copied it speak it.

Field names and events: https://platform.openai.com/docs/api-reference/chat. Copies differ: some refuse
``stream_options``, newer OpenAI models refuse ``max_tokens`` or a temperature, some refuse to stream. A
refusal that names such a field is tried once more without it, and the model's next calls begin that way.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from llm.client import Quirks, WireClient
from llm.contracts import ChatRequest
from llm.draft import Draft, whole_number
from llm.endpoint import Endpoint
from llm.failures import Failure
from llm.sse import ServerEvent

NO_STREAM_OPTIONS: Final = "no stream_options"
COMPLETION_TOKENS: Final = "max_completion_tokens"
NO_TEMPERATURE: Final = "no temperature"
NO_STREAM: Final = "no stream"

_OPENAI_HOST: Final = "api.openai.com"
_END_MARK: Final = "[DONE]"
_UNWANTED: Final = re.compile(
    r"unsupported|not support|unknown|unrecognized|not permitted|not allowed|forbidden|unexpected|extra",
    re.IGNORECASE,
)


class OpenAIChatClient(WireClient):
    """A `ChatClient` for the OpenAI chat completions API.

    Parameters:
        endpoint: the server.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint, OpenAIChatWire())


class OpenAIChatWire:
    """What goes over the wire."""

    chat_path = "/chat/completions"

    def headers(self, key: str | None) -> dict[str, str]:
        """The key as a bearer token."""
        return {"authorization": f"Bearer {key}"} if key else {}

    def first_quirks(self, endpoint: Endpoint) -> Quirks:
        """OpenAI itself takes the newer name for every model; many copies know only the older one."""
        return frozenset({COMPLETION_TOKENS} if endpoint.host == _OPENAI_HOST else ())

    def body(self, request: ChatRequest, quirks: Quirks) -> dict[str, Any]:
        """The request's JSON."""
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_completion_tokens" if COMPLETION_TOKENS in quirks else "max_tokens": request.max_tokens,
        }
        if request.temperature is not None and NO_TEMPERATURE not in quirks:
            body["temperature"] = request.temperature
        if NO_STREAM not in quirks:
            body["stream"] = True
            if NO_STREAM_OPTIONS not in quirks:
                body["stream_options"] = {"include_usage": True}
        return body

    def quirk(self, failure: Failure, request: ChatRequest, quirks: Quirks) -> str | None:
        """The field the refusal names, if we sent it and can do without."""
        sent = self.body(request, quirks)
        if "stream_options" in failure.text and "stream_options" in sent:
            return NO_STREAM_OPTIONS
        if "max_completion_tokens" in failure.text and "max_tokens" in sent:
            return COMPLETION_TOKENS
        if not _UNWANTED.search(failure.text):
            return None
        if failure.field_name == "temperature" or "'temperature'" in failure.text:
            return NO_TEMPERATURE if "temperature" in sent else None
        return NO_STREAM if failure.field_name == "stream" and "stream" in sent else None

    def take_event(self, event: ServerEvent, draft: Draft) -> Any:
        """Take one chunk."""
        if event.data.strip() == _END_MARK:
            draft.ended = True
            return None
        try:
            chunk = json.loads(event.data)
        except (ValueError, RecursionError):
            return event.data if event.name == "error" else None
        if event.name == "error" or (isinstance(chunk, dict) and chunk.get("error")):
            return chunk
        if isinstance(chunk, dict):
            self._take(chunk, "delta", draft)
        return None

    def take_document(self, document: dict[str, Any], draft: Draft) -> bool:
        """Take an answer in one piece; it is whole even where it does not say why it ended."""
        draft.ended = self._take(document, "message", draft)
        return draft.ended and draft.finish != "error"

    def _take(self, document: dict[str, Any], part: str, draft: Draft) -> bool:
        """Take text, end and usage; whether there was a message."""
        draft.name(document)
        self._take_usage(document.get("usage"), draft)
        choices = document.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return False
        draft.begun = True
        message = choice.get(part)
        if isinstance(message, dict):
            draft.add(_text(message.get("content")) or _text(message.get("refusal")))
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            draft.finish = finish
        return isinstance(message, dict)

    def _take_usage(self, usage: Any, draft: Draft) -> None:
        if isinstance(usage, dict):
            draft.count(
                whole_number(usage.get("prompt_tokens")), whole_number(usage.get("completion_tokens"))
            )


def _text(content: Any) -> str:
    """A content, which some servers send as a list of parts."""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""

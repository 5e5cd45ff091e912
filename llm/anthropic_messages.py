"""The Anthropic messages API.

Field names and events: https://docs.anthropic.com/en/api/messages-streaming.
"""

from __future__ import annotations

import json
from typing import Any, Final

from llm.client import Quirks, WireClient
from llm.contracts import ChatRequest
from llm.draft import Draft, whole_number
from llm.endpoint import Endpoint
from llm.failures import Failure
from llm.sse import ServerEvent

#: The version of the API that this adapter speaks.
API_VERSION: Final = "2023-06-01"

NO_TEMPERATURE: Final = "no temperature"

#: What an error event says that says nothing.
_NO_WORDS: Final = "an error without words"

_READ_COUNTS: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicMessagesClient(WireClient):
    """A `ChatClient` for the Anthropic messages API.

    Parameters:
        endpoint: the server.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint, AnthropicMessagesWire())


class AnthropicMessagesWire:
    """What goes over the wire."""

    chat_path = "/messages"

    def headers(self, key: str | None) -> dict[str, str]:
        """The key and the version."""
        version = {"anthropic-version": API_VERSION}
        return {"x-api-key": key, **version} if key else version

    def first_quirks(self, endpoint: Endpoint) -> Quirks:
        """None."""
        return frozenset()

    def body(self, request: ChatRequest, quirks: Quirks) -> dict[str, Any]:
        """The request's JSON: system messages stand apart from the conversation."""
        system = "\n\n".join(message.content for message in request.messages if message.role == "system")
        body: dict[str, Any] = {
            "model": request.model,
            "max_tokens": request.max_tokens,
            "messages": [
                {"role": message.role, "content": message.content}
                for message in request.messages
                if message.role != "system"
            ],
            "stream": True,
        }
        if system:
            body["system"] = system
        if request.temperature is not None and NO_TEMPERATURE not in quirks:
            # This API's scale ends at 1.
            body["temperature"] = min(request.temperature, 1.0)
        return body

    def quirk(self, failure: Failure, request: ChatRequest, quirks: Quirks) -> str | None:
        """Some models take no temperature."""
        refused = request.temperature is not None and "temperature" in failure.words
        return NO_TEMPERATURE if refused else None

    def take_event(self, event: ServerEvent, draft: Draft) -> Any:
        """Take one event."""
        try:
            said = json.loads(event.data)
        except (ValueError, RecursionError):
            said = event.data
        if not isinstance(said, dict):
            return said or _NO_WORDS if event.name == "error" else None
        kind = said.get("type", event.name)
        if kind == "error" or said.get("error"):
            return said or _NO_WORDS
        if kind == "message_start" and isinstance(said.get("message"), dict):
            self._take_message(said["message"], draft)
        elif kind == "content_block_start":
            draft.add(_text(said.get("content_block"), "text"))
        elif kind == "content_block_delta" and isinstance(said.get("delta"), dict):
            draft.add(_text(said["delta"], "text_delta"))
        elif kind == "message_delta":
            self._take_usage(said.get("usage"), draft)
            self._take_finish(said.get("delta"), draft)
        elif kind == "message_stop":
            draft.ended = True
        return None

    def take_document(self, document: dict[str, Any], draft: Draft) -> bool:
        """Take a message in one piece."""
        blocks = document.get("content")
        if not isinstance(blocks, list):
            return False
        for block in blocks:
            draft.add(_text(block, "text"))
        self._take_message(document, draft)
        self._take_finish(document, draft)
        draft.ended = True
        return True

    def _take_message(self, message: dict[str, Any], draft: Draft) -> None:
        draft.begun = True
        draft.name(message)
        self._take_usage(message.get("usage"), draft)

    def _take_finish(self, said: Any, draft: Draft) -> None:
        reason = said.get("stop_reason") if isinstance(said, dict) else None
        if isinstance(reason, str) and reason:
            draft.finish = reason

    def _take_usage(self, usage: Any, draft: Draft) -> None:
        """Tokens read are told in three parts; the last event tells only those written."""
        if not isinstance(usage, dict):
            return
        read = [whole_number(usage.get(name)) for name in _READ_COUNTS]
        prompt = None if read[0] is None else sum(count or 0 for count in read)
        draft.count(prompt, whole_number(usage.get("output_tokens")))


def _text(block: Any, kind: str) -> str:
    """The text of a block or delta of that kind; thinking and tool use are not part of the answer."""
    if not isinstance(block, dict) or block.get("type") != kind:
        return ""
    text = block.get("text")
    return text if isinstance(text, str) else ""

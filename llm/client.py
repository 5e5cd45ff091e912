"""What every adapter shares: one call from the request to the whole answer.

An adapter (`Wire`) knows a provider's paths, headers and fields, and nothing of connections; `WireClient`
knows connections, deadlines and retries without a field, and nothing of providers. Must never break: an
answer becomes a result only when its wire says that it is complete, and nothing that was streamed before a
failure counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

from errors import ModelError, ModelFailed, ModelTimeout
from llm.contracts import Call, ChatRequest, ChatResult
from llm.draft import Draft
from llm.endpoint import Endpoint
from llm.failures import Failure, clean, failure_in_stream
from llm.http import Answer, AnswerCut, Session
from llm.sse import EventParser, ServerEvent
from llm.watch import Watch, watching

#: Seconds to wait for usage and end mark once the text is whole.
AFTER_FINISH_S: Final = 2.0
#: Seconds to wait for the end of the HTTP body after the end mark, so that the connection can be kept.
AFTER_END_S: Final = 0.1
#: Seconds to ask which models there are, when one was not found.
LISTING_S: Final = 2.0

#: What a server answers that cannot take a call now.
_UNAVAILABLE: Final = 503
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_STREAM_STARTS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")
_JSON_STARTS: Final = (b"{", b"[")

#: Fields that a server turned out to want otherwise, by names of the wire's own choosing.
Quirks = frozenset[str]


class Wire(Protocol):
    """One provider protocol."""

    #: below the base URL
    chat_path: str

    def headers(self, key: str | None) -> dict[str, str]:
        """The headers of every request."""

    def first_quirks(self, endpoint: Endpoint) -> Quirks:
        """What is known of a server before it is asked."""

    def body(self, request: ChatRequest, quirks: Quirks) -> dict[str, Any]:
        """The request's JSON."""

    def quirk(self, failure: Failure, request: ChatRequest, quirks: Quirks) -> str | None:
        """The quirk to add, where the refusal names a field that can be left out or renamed."""

    def take_event(self, event: ServerEvent, draft: Draft) -> Any:
        """Take one event of a stream. Returns what the server calls an error, if it is one."""

    def take_document(self, document: dict[str, Any], draft: Draft) -> bool:
        """Take an answer that came in one piece. False when there is no answer in it."""


class WireClient:
    """A `ChatClient` over one wire and one endpoint.

    Parameters:
        endpoint: the server.
        wire: its protocol.
    """

    def __init__(self, endpoint: Endpoint, wire: Wire) -> None:
        self._endpoint = endpoint
        self._wire = wire
        self._session = Session(endpoint, wire.headers(endpoint.api_key))
        # By model, because one server's models differ. Threads may write it at once: the last one wins.
        self._quirks: dict[str, Quirks] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint.base_url!r})"

    def complete(self, request: ChatRequest, *, on_text: Callable[[str], None], call: Call) -> ChatResult:
        """See `ChatClient.complete`."""
        with watching(call, request.timeout_s, self._endpoint.base_url) as watch:
            quirks = self._quirks.get(request.model, self._wire.first_quirks(self._endpoint))
            while True:
                answer = self._ask(request, quirks, on_text, watch)
                if isinstance(answer, ChatResult):
                    self._quirks[request.model] = quirks
                    return answer
                found = self._wire.quirk(answer, request, quirks) if answer.status in {400, 422} else None
                if found is None or found in quirks:
                    raise self._refusal(answer, watch)
                quirks |= {found}

    def _ask(
        self, request: ChatRequest, quirks: Quirks, on_text: Callable[[str], None], watch: Watch
    ) -> ChatResult | Failure:
        body = json.dumps(self._wire.body(request, quirks)).encode()
        with self._session.request("POST", self._wire.chat_path, watch, body) as answer:
            if not answer.ok:
                return answer.failure()
            draft = Draft(on_text)
            self._read(answer, draft, watch)
            return draft.result(request)

    def _read(self, answer: Answer, draft: Draft, watch: Watch) -> None:
        """Fill the draft from a stream, or from plain JSON where the server ignored `stream`."""
        pieces = answer.pieces()
        head = b""
        for piece in pieces:
            # White space in front means nothing in JSON and in streams; some gateways send it as a heartbeat.
            head = (head + piece).lstrip(_BLANK)
            if len(head) >= len("event:") or head.startswith(_JSON_STARTS):
                break
        if self._is_stream(answer, head):
            self._read_stream(_after(head, pieces), draft, watch)
        else:
            self._read_document(b"".join(_after(head, pieces)), draft)

    def _is_stream(self, answer: Answer, head: bytes) -> bool:
        declared = "event-stream" in answer.headers.get("content-type", "")
        return head.startswith(_STREAM_STARTS) or (declared and not head.startswith(_JSON_STARTS))

    def _read_stream(self, pieces: Iterator[bytes], draft: Draft, watch: Watch) -> None:
        parser = EventParser()
        try:
            for piece in pieces:
                self._take(parser.feed(piece), draft)
                watch.check()
                if draft.complete:
                    watch.hurry(AFTER_END_S if draft.ended else AFTER_FINISH_S)
            self._take(parser.finish(), draft)
        except (AnswerCut, ModelTimeout):
            if not draft.complete:
                raise
        if draft.complete and draft.finish != "error":
            return
        why = "the stream ended without saying that it was complete"
        if draft.finish == "error":
            why = "it says that it ended by an error"
        elif draft.ended:
            why = "there was no answer in it"
        raise AnswerCut(f"The model server at {self._endpoint.base_url} broke off its answer: {why}.")

    def _take(self, events: list[ServerEvent], draft: Draft) -> None:
        for event in events:
            if draft.ended:
                return
            error = self._wire.take_event(event, draft)
            if error:
                raise failure_in_stream(error, self._endpoint).to_error(self._endpoint)

    def _read_document(self, body: bytes, draft: Draft) -> None:
        document = _parsed(body)
        if isinstance(document, dict) and document.get("error"):
            raise failure_in_stream(document, self._endpoint).to_error(self._endpoint)
        if not isinstance(document, dict) or not self._wire.take_document(document, draft):
            words = clean(body[:1000].decode("utf-8", "replace"), self._endpoint.api_key, 200)
            said = f"it began with: {words}" if words else "it was empty"
            raise ModelFailed(f"The model server at {self._endpoint.base_url} gave no answer: {said}.")

    def models(self, timeout_s: float) -> list[str]:
        """See `ChatClient.models`."""
        with watching(Call(), timeout_s, self._endpoint.base_url) as watch:
            return self._list_models(watch)

    def _list_models(self, watch: Watch) -> list[str]:
        with self._session.request("GET", "/models", watch) as answer:
            if not answer.ok:
                raise answer.failure().to_error(self._endpoint)
            document = _parsed(b"".join(answer.pieces()))
        listed = document.get("data") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            told = f"The model server at {self._endpoint.base_url} gave no list of its models."
            raise ModelFailed(told, has_list=False)
        return [item["id"] for item in listed if isinstance(item, dict) and isinstance(item.get("id"), str)]

    def _refusal(self, failure: Failure, watch: Watch) -> ModelError:
        """The error for an answer that is none; a server that failed may have worked all the same.

        One that says 503 has not begun: it is unable to handle the request (RFC 9110, section 15.6.4).
        """
        error = failure.to_error(self._endpoint, self._hint(failure, watch))
        error.turned_away = failure.status == _UNAVAILABLE or not isinstance(error, ModelFailed)
        return error

    def _hint(self, failure: Failure, watch: Watch) -> str:
        """For a model that is not there: those that are, if the server says so quickly."""
        if failure.status != 404:
            return ""
        watch.hurry(LISTING_S)
        try:
            names = self._list_models(watch)
        except ModelError:
            watch.check_cancelled()
            return ""
        shown = clean(", ".join(names[:10]), self._endpoint.api_key, 200)
        return f"Models there: {shown}{' and more' if len(names) > 10 else ''}." if names else ""

    def close(self) -> None:
        """See `ChatClient.close`."""
        self._session.close()


def _after(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from pieces


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None

"""What a server's refusal or breakdown means, and how a person is told.

Every provider says it differently: an object under ``error`` (OpenAI chat completions API, Anthropic messages
API), a ``detail`` (FastAPI servers), a list (Google), plain text or a proxy's HTML page; with an HTTP status,
or in the middle of a stream that began with 200. All become a `Failure`, and `Failure.to_error` is the one
place that decides which `ModelError` it is. The provider's own words are quoted, cleaned, shortened and
without the key.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from errors import ModelBusy, ModelError, ModelFailed, ModelRefused
from llm.endpoint import Endpoint
from llm.retry_after import retry_after_s

#: The most characters of a provider's words that are quoted.
WORDS_CHARS: Final = 400
#: How many objects and lists a provider's sentence may stand in.
MOST_WITHIN: Final = 8

#: Statuses below 500 that a second try may change: time-out, conflict, too early.
_TRY_AGAIN: Final = frozenset({408, 409, 425})
#: Anthropic's word for a server that has no room; Cloudflare's and others' use it too.
_OVERLOADED: Final = 529
_BUSY_WORDS: Final = re.compile(r"\bbusy\b|overload|loading model|too many|capacity", re.IGNORECASE)
_STATUS_OF_KIND: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "context_length_exceeded": 400,
    "insufficient_quota": 429,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": _OVERLOADED,
}
_OUT_OF_MONEY: Final = frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached"})
_HINTS: Final = {
    401: "Check SKEP_LLM_API_KEY.",
    402: "Check the account's credit.",
    403: "Check that SKEP_LLM_API_KEY may use this model.",
    404: "Check SKEP_LLM_MODEL and SKEP_LLM_BASE_URL.",
    405: "Check SKEP_LLM_BASE_URL and SKEP_LLM_PROTOCOL.",
    407: "Check SKEP_LLM_PROXY.",
    413: "The prompt is too long for this server.",
}
_TAGS: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Failure:
    """A server's answer that is not one."""

    #: HTTP status, or the one that an error inside a stream stands for
    status: int
    #: what the server said, cleaned
    words: str
    #: the provider's own names for it: type and code
    kinds: frozenset[str] = frozenset()
    #: the request field that the provider names
    field_name: str = ""
    #: everything it said, for looking up field names
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_error(self, endpoint: Endpoint, hint: str = "") -> ModelError:
        """The error to raise; `hint` takes the place of the usual advice."""
        kind = self._kind()
        wait = retry_after_s(self.headers, time.time()) if kind is ModelBusy else None
        verb = {ModelBusy: "is busy", ModelFailed: "failed", ModelRefused: "refused the call"}[kind]
        said = f": {self.words}" if self.words else "."
        said = said if said.endswith((".", "!", "?")) else f"{said}."
        advice = hint or _HINTS.get(self.status, "")
        message = f"The model server at {endpoint.base_url} {verb} ({self._named()}){said} {advice}".rstrip()
        return kind(message, retry_after_s=wait, server_status=self.status)

    def _named(self) -> str:
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)

    def _kind(self) -> type[ModelError]:
        if self.kinds & _OUT_OF_MONEY:
            return ModelRefused
        if self.status in {429, _OVERLOADED}:
            return ModelBusy
        if self.status == 503 and ("retry-after" in self.headers or _BUSY_WORDS.search(self.words)):
            return ModelBusy
        return ModelFailed if self.status >= 500 or self.status in _TRY_AGAIN else ModelRefused


def failure_of_answer(status: int, headers: Mapping[str, str], body: bytes, endpoint: Endpoint) -> Failure:
    """What an HTTP answer outside 2xx says."""
    text = body.decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = text
    if 300 <= status < 400:
        place = headers.get("location", "").partition("?")[0]
        said = f"it redirects to {place or 'another address'}; if you trust that, set SKEP_LLM_BASE_URL to it"
    return _failure(status, said, text, headers, endpoint)


def failure_in_stream(said: Any, endpoint: Endpoint) -> Failure:
    """What an error inside a stream or a 200 body says; its status is inferred from the provider's names."""
    found = _failure(500, said, _as_json(said)[:4096], {}, endpoint)
    for kind in sorted(found.kinds):
        status = int(kind) if kind.isdecimal() and len(kind) == 3 else _STATUS_OF_KIND.get(kind, 0)
        if 400 <= status <= 599:
            return Failure(status, found.words, found.kinds, found.field_name, found.text)
    return found


def _failure(status: int, said: Any, text: str, headers: Mapping[str, str], endpoint: Endpoint) -> Failure:
    error = _error_object(said)
    kinds = frozenset(str(error[name]) for name in ("type", "code", "status") if error.get(name) is not None)
    return Failure(
        status=status,
        words=clean(_words(said), endpoint.api_key),
        kinds=kinds,
        field_name=str(error.get("param") or ""),
        text=text,
        headers=headers,
    )


def _error_object(said: Any) -> dict[str, Any]:
    if isinstance(said, list) and said:
        said = said[0]
    if not isinstance(said, dict):
        return {}
    inner = said.get("error")
    return inner if isinstance(inner, dict) else said


def _as_json(said: Any) -> str:
    try:
        return json.dumps(said)
    except RecursionError:
        return ""


def _words(said: Any, within: int = 0) -> str:
    """The sentence in any of the known shapes, looked for in so many objects and lists `within` another."""
    if isinstance(said, str):
        return _TAGS.sub(" ", said) if said.lstrip().startswith("<") else said
    if within == MOST_WITHIN:
        return ""
    if isinstance(said, list):
        return "; ".join(_words(item, within + 1) for item in said[:5])
    if not isinstance(said, dict):
        return ""
    for name in ("error", "message", "detail", "msg", "errors", "title"):
        if said.get(name):
            place = ".".join(str(part) for part in said["loc"]) if isinstance(said.get("loc"), list) else ""
            words = _words(said[name], within + 1)
            return f"{place}: {words}" if place else words
    return _as_json(said)[:WORDS_CHARS] if said else ""


def clean(words: str, key: str | None, limit: int = WORDS_CHARS) -> str:
    """Words as one printable line of at most `limit` characters, with the key blotted out."""
    words = words[: 64 * 1024]
    if key:
        words = words.replace(key, "***")
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."

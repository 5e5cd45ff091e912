"""What the scripted model server answers: replies, and the markers in prompts that ask for one.

Markers work wherever a prompt comes from, so that a test of the whole program needs no other channel. They
may stand anywhere in any message, several together:

* ``[[reply: some text]]``: the text of the answer, up to the first ``]]``
* ``[[status: 500]]``: this HTTP status and an error body instead of an answer
* ``[[status: 429 retry-after=1]]``: the same with headers, each ``name=value``
* ``[[status: 500 times=2]]``: only for the first two requests that hold this very marker
* ``[[delay: 0.5]]``: seconds before the answer begins
* ``[[drip: 0.2]]``: seconds between the pieces of the stream
* ``[[cut]]``: the connection breaks in the middle of the answer
* ``[[no-usage]]``: no token counts
"""

from __future__ import annotations

import collections
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

_MARKER: Final = re.compile(r"\[\[(reply|status|delay|drip|cut|no-usage)(?::\s*(.*?))?\]\]", re.DOTALL)


@dataclass(frozen=True)
class Reply:
    """One answer of the server. Everything is optional; the plain `Reply()` says ok."""

    text: str = "ok"
    #: HTTP status; outside 2xx an error body that holds `text` is sent
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    #: seconds before the answer begins
    delay_s: float = 0.0
    #: seconds between the pieces of a stream
    chunk_delay_s: float = 0.0
    #: seconds between single bytes of the whole body
    byte_delay_s: float = 0.0
    #: break the connection after so many pieces; 0 breaks it right after the headers
    cut_after_chunks: int | None = None
    #: break the connection before anything is sent
    hang_up: bool = False
    #: sent as the body instead of what the protocol would say
    body: bytes | str | None = None
    content_type: str | None = None
    #: send token counts: one for each word
    usage: bool = True
    #: send the end mark: `[DONE]`, or `message_stop`
    done: bool = True
    #: None leaves the reason out
    finish_reason: str | None = "stop"
    #: answer with one JSON document although a stream was asked for
    plain: bool = False
    #: sent as an error in the stream, after the text
    stream_error: Any = None
    #: wait for this before the headers; the server sets it when it closes
    hold: threading.Event | None = None
    #: wait for this after the first word of a stream; the server sets it when it closes
    hold_stream: threading.Event | None = None

    @property
    def holds(self) -> list[threading.Event]:
        """Every event this reply may wait for."""
        return [event for event in (self.hold, self.hold_stream) if event is not None]


@dataclass(frozen=True)
class ModelRequest:
    """One request as the server got it."""

    method: str
    path: str
    #: names in small letters
    headers: Mapping[str, str]
    #: the parsed body; None where there is none or it is not JSON
    body: Any
    #: seconds, `time.monotonic`
    at: float
    #: the client's port: the same for requests over one connection
    connection: int

    @property
    def prompt(self) -> str:
        """The text of all messages, a line break between two."""
        if not isinstance(self.body, dict):
            return ""
        messages = self.body.get("messages") or []
        texts = [self.body.get("system"), *(message.get("content") for message in messages)]
        return "\n".join(text for text in texts if isinstance(text, str))

    @property
    def stream(self) -> bool:
        """Whether a stream is asked for."""
        return isinstance(self.body, dict) and bool(self.body.get("stream"))


class Markers:
    """Reads the markers of prompts, and remembers how often one with `times` was seen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: collections.Counter[str] = collections.Counter()

    def reply(self, prompt: str, default: Reply) -> Reply:
        """`default` changed as the markers of `prompt` ask."""
        reply = default
        for found in _MARKER.finditer(prompt):
            name, value = found[1], (found[2] or "").strip()
            if name == "reply":
                reply = replace(reply, text=value)
            elif name == "status":
                reply = self._status(found[0], value, reply)
            elif name == "delay":
                reply = replace(reply, delay_s=float(value))
            elif name == "drip":
                reply = replace(reply, chunk_delay_s=float(value))
            elif name == "cut":
                reply = replace(reply, cut_after_chunks=1)
            else:
                reply = replace(reply, usage=False)
        return reply

    def _status(self, marker: str, value: str, reply: Reply) -> Reply:
        status, *options = value.split()
        headers = dict(option.split("=", 1) for option in options)
        times = headers.pop("times", None)
        if times is not None:
            with self._lock:
                self._seen[marker] += 1
                if self._seen[marker] > int(times):
                    return reply
        return replace(reply, status=int(status), headers={**reply.headers, **headers})

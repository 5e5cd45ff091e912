"""What a caller says to a model and hears back, whatever protocol lies between.

A call runs in the caller's thread. `Call` is how any other thread ends it: each running call owns a socket
pair, everything that blocks waits for its own socket and for that pair together, so a cancel needs no polling
and cannot hit a connection that belongs to somebody else by now.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from errors import ModelError, ModelUnreachable


class CallCancelled(ModelError):
    """The model call was cancelled."""

    code = "call_cancelled"
    http_status = 409
    counts = False


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    #: system, user or assistant
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ChatRequest:
    """One question to a model."""

    messages: tuple[Message, ...]
    #: the model's name as the server lists it
    model: str
    #: most tokens of the answer
    max_tokens: int
    #: 0 to 2; None leaves it to the server
    temperature: float | None
    #: seconds for the whole call, from connecting to the last byte
    timeout_s: float


@dataclass(frozen=True)
class Usage:
    """What a call used, in tokens."""

    #: tokens read, those the provider took from its cache included
    prompt_tokens: int
    #: tokens written
    completion_tokens: int
    #: server: as the provider counted; estimate: UTF-8 bytes / 4, rounded up
    source: Literal["server", "estimate"]


@dataclass(frozen=True)
class ChatResult:
    """A complete answer."""

    text: str
    #: the model that answered, as the server names it
    model: str
    usage: Usage
    #: why it stopped: stop, length, tool_calls, content_filter, or the server's own word
    finish_reason: str
    #: the provider's id of the answer, where it gave one
    response_id: str | None


class Call:
    """A handle on one piece of work, by which any thread can cancel its model calls.

    It may outlive a call and serve the next one (a retry, a fallback); once cancelled it stays so.
    """

    def __init__(self) -> None:
        # Reentrant: a signal handler may cancel while its own thread is inside.
        self._lock = threading.RLock()
        self._wakers: set[socket.socket] = set()
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """End every running and future `complete` with this handle by `CallCancelled`. Never blocks."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled = True
            for waker in self._wakers:
                waker.send(b"\0")

    @contextlib.contextmanager
    def waker(self) -> Iterator[socket.socket]:
        """A socket that becomes readable when the call is cancelled. Raises `ModelUnreachable`."""
        try:
            reader, writer = socket.socketpair()
        except OSError as error:
            raise ModelUnreachable(f"No model call can begin: {error.strerror or error}.") from error
        with reader, writer:
            with self._lock:
                self._wakers.add(writer)
                if self._cancelled:
                    writer.send(b"\0")
            try:
                yield reader
            finally:
                with self._lock:
                    self._wakers.discard(writer)


class ChatClient(Protocol):
    """A connection to one model server. Safe to share between threads."""

    def complete(self, request: ChatRequest, *, on_text: Callable[[str], None], call: Call) -> ChatResult:
        """Ask, and hand every piece of text to `on_text` as it comes, in the calling thread.

        Text already handed on is void when this raises: a cut answer is never a result.

        Raises:
            CallCancelled: `call` was cancelled.
            ModelUnreachable: no connection came about; nothing was asked.
            ModelBusy: the server asks to come back later.
            ModelFailed: it failed, broke off or answered something unreadable.
            ModelRefused: the same call would be refused again.
            ModelTimeout: there was no complete answer within `request.timeout_s`.
        """

    def models(self, timeout_s: float) -> list[str]:
        """The names of the models there, in the server's order. Raises as `complete` does."""

    def close(self) -> None:
        """Close every connection. No call may be running."""

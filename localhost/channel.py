"""A connection of waitress whose answers wake nobody but their client, and that once.

Waitress takes a connection out of its poll while a request of it is answered, and has to be woken after every
answer to put it back. With a look-ahead of one request connections stay in, so the loop is only woken where
there is something left to send, to read or to close. And waitress sends the head of an answer before its body
is there; here the head waits for it.

Of what a client sends without waiting for answers, a request is read when the one before it has been answered
and that answer is out. So who takes no answers is done no work, however much they ask for. And who says that
nothing more comes, and has not gone, still gets the answers that are due; but for one in pieces without an
end, whose reader cannot be told from one that has gone.

What waitress refuses itself, such as a body over its bound, which no route sees, is a problem document too.
"""

from __future__ import annotations

import functools
import socket
from typing import Any, Final, cast

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.task import ErrorTask, WSGITask

from localhost import plain_json, problems
from localhost.body import BodyTooLarge
from localhost.incoming import Incoming

#: What is answered to a request that could not be read, by its status. Its own words are not repeated.
_DETAILS: Final = {
    413: "The body is larger than anything that is read here.",
    431: "The header fields of the request are too large.",
    501: "The request is sent in a way that is not understood here.",
    500: "The request could not be answered.",
}
_UNREADABLE: Final = "The request is no HTTP that is understood here."


class Task(WSGITask):
    """A request that is answered."""

    def write(self, data: bytes) -> None:
        """Send a piece of the answer."""
        channel: Any = self.channel
        has_end = self.content_length is not None or not self.has_body
        channel.begin(is_first=not self.wrote_header, has_end=has_end)
        super().write(data)
        channel.send_held()


class Refusal(ErrorTask):
    """A request that could not be read, and is answered before any route sees it."""

    def execute(self) -> None:
        """Answer with the problem, and close the connection: what follows on it cannot be told apart."""
        error = cast(Any, self.request).error
        code = BodyTooLarge.code if error.code == BodyTooLarge.http_status else _code(error.reason)
        problem = {
            "type": f"urn:skep:problem:{code}",
            "title": error.reason,
            "status": error.code,
            "detail": _DETAILS.get(error.code, _UNREADABLE),
            "code": code,
        }
        body = plain_json.dumps(problem).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [
            ("Content-Type", problems.MEDIA_TYPE),
            *problems.SERVICE_HEADERS.items(),
        ]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


def _code(reason: str) -> str:
    return reason.lower().replace(" ", "_")


class Channel(HTTPChannel):
    """A connection that stays in the poll. Its server is made with ``channel_request_lookahead=1``."""

    task_class = Task
    error_task_class = Refusal

    def __init__(self, server: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(server, *arguments, **named)
        self.server = cast(Any, _Loop(server, self))
        self.parser_class = cast(Any, functools.partial(Incoming, keep=self._keep, may_send=server.may_send))
        self._is_head = False
        self._held = b""
        #: what was sent behind the request that is being answered
        self._unread = b""
        self._has_end = True
        #: whether the client has said that nothing more comes
        self._is_over = False

    @property
    def wants_the_loop(self) -> bool:
        """Whether the loop has something to do here as soon as the answer is out."""
        return bool(self._unread) or self._is_over

    def _is_answering(self) -> bool:
        return bool(self.requests or self.total_outbufs_len)

    def _keep(self, data: bytes) -> None:
        self._unread = data

    # -- what the loop calls ----------------------------------------------------------------------------

    # These two are asked of every connection each time the loop turns, so they ask nobody else.

    def readable(self) -> bool:
        """Whether more is wanted of the client."""
        is_closing = self.will_close or self.close_when_flushed
        return not (self._unread or self._is_over or is_closing or self.total_outbufs_len)

    def writable(self) -> bool:
        """Whether there is something to do."""
        if self.total_outbufs_len or self.will_close or self.close_when_flushed:
            return True
        return bool(self._unread or self._is_over) and not self.requests

    def handle_read(self) -> None:
        """Read, or see that nothing more comes, which is no reason to drop an answer that is due."""
        if self._is_answering() and self._has_end and self._has_come_to_its_end():
            self._is_over = True
        else:
            super().handle_read()

    def _has_come_to_its_end(self) -> bool:
        try:
            return not cast(socket.socket, self.socket).recv(1, socket.MSG_PEEK)
        except OSError:
            return False  # it is met again where the connection is read

    def handle_write(self) -> None:
        """Send what waits; where that is all, read the next request, or close if none can come."""
        super().handle_write()
        while self._unread and self.connected and not self._is_answering():
            unread, self._unread = self._unread, b""
            super().received(unread)
        if self._is_over and self.connected and not self._is_answering():
            self.handle_close()

    def received(self, data: bytes) -> bool:
        """Take what the client sent; it is read when no answer is due any more."""
        if self._is_answering():
            self._unread += data
            return True
        return bool(super().received(data))

    def handle_close(self) -> None:
        """Close, and let go of the file that a large body is read into, if it has not come to its end."""
        if self.request is not None:
            self.request.close()
        super().handle_close()

    # -- what the thread that answers calls -------------------------------------------------------------

    def begin(self, *, is_first: bool, has_end: bool) -> None:
        """A piece of an answer is written; before the first comes the head, which waits for it."""
        if self._is_over and not has_end:
            raise ClientDisconnected
        self._is_head, self._has_end = is_first, has_end

    def write_soon(self, data: Any) -> int:
        """Send; called by waitress for the head and for each piece."""
        if self._is_head:
            self._is_head, self._held = False, data
            return len(data)
        self.send_held(data if isinstance(data, bytes) else b"")
        return len(data) if isinstance(data, bytes) else super().write_soon(data)

    def send_held(self, more: bytes = b"") -> None:
        """Send what waits, and more."""
        held, self._held = self._held, b""
        if held or more:
            super().write_soon(held + more)


class _Loop:
    """The server as one of its connections sees it."""

    def __init__(self, server: Any, channel: Any) -> None:
        self._server = server
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def pull_trigger(self) -> None:
        """Wake the loop, if it must send, read or close something."""
        channel = self._channel
        is_closing = channel.close_when_flushed or channel.will_close
        if channel.total_outbufs_len or is_closing or channel.wants_the_loop:
            self._server.pull_trigger()

"""A connection of waitress whose answers wake nobody but their client, and that once.

Waitress takes a connection out of its poll while a request of it is answered, and has to be woken after every
answer to put it back. With a look-ahead of one request connections stay in, so the loop is only woken where
there is something left to send or to close. And waitress sends the head of an answer before its body is
there; here the head waits for it.

What waitress refuses itself, such as a body over its bound, which no route sees, is a problem document too.
"""

from __future__ import annotations

from typing import Any, Final, cast

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask

from localhost import plain_json, problems
from localhost.body import BodyTooLarge

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
        channel.begin(is_first=not self.wrote_header)
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
        self._is_head = False
        self._held = b""

    def handle_close(self) -> None:
        """Close, and let go of the file that a large body is read into, if it has not come to its end."""
        if self.request is not None:
            self.request.close()
        super().handle_close()

    def begin(self, *, is_first: bool) -> None:
        """A piece of an answer is written; before the first comes the head, which waits for it."""
        self._is_head = is_first

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
        """Wake the loop, if it must send or close something."""
        channel = self._channel
        if channel.total_outbufs_len or channel.close_when_flushed or channel.will_close:
            self._server.pull_trigger()

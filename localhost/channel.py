"""A connection of waitress whose answers wake nobody but their client, and that once.

Waitress takes a connection out of its poll while a request of it is answered, and has to be woken after every
answer to put it back. With a look-ahead of one request connections stay in, so the loop is only woken where
there is something left to send or to close. And waitress sends the head of an answer before its body is
there; here the head waits for it.
"""

from __future__ import annotations

from typing import Any, cast

from waitress.channel import HTTPChannel
from waitress.task import WSGITask


class Task(WSGITask):
    """A request that is answered."""

    def write(self, data: bytes) -> None:
        """Send a piece of the answer."""
        channel: Any = self.channel
        channel.begin(is_first=not self.wrote_header)
        super().write(data)
        channel.send_held()


class Channel(HTTPChannel):
    """A connection that stays in the poll. Its server is made with ``channel_request_lookahead=1``."""

    task_class = Task

    def __init__(self, server: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(server, *arguments, **named)
        self.server = cast(Any, _Loop(server, self))
        self._is_head = False
        self._held = b""

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

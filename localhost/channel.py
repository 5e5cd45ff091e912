"""A connection of waitress that wakes nobody but its client, and that once.

Waitress takes a connection out of its poll while a request of it is answered, and has to be woken after every
answer to put it back. With a look-ahead of one request connections stay in, so the loop is only woken where
there is something left to send or to close.
"""

from __future__ import annotations

from typing import Any, cast

from waitress.channel import HTTPChannel


class Channel(HTTPChannel):
    """A connection that stays in the poll. Its server is made with ``channel_request_lookahead=1``."""

    def __init__(self, server: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(server, *arguments, **named)
        self.server = cast(Any, _Loop(server, self))


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

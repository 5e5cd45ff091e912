"""Server-sent events (WHATWG HTML standard, section 9.2), parsed as the bytes come in.

Whatever the boundaries of the pieces, the events are the same. Unlike a browser, `finish` also gives out an
event that the end of the stream cut off before its blank line: some model servers leave that line out, and
whether the event is whole shows in its JSON.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class ServerEvent:
    """One event of a stream."""

    #: the `event` field, `message` where there is none
    name: str
    #: the `data` lines, joined by line feeds
    data: str


class EventParser:
    """Turns pieces of an event stream into events."""

    def __init__(self) -> None:
        self._tail: list[bytes] = []
        self._after_cr = False
        self._first = True
        self._name = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """The events that `piece` completes."""
        if self._after_cr and piece:
            # The line ended at the carriage return; its line feed came in this piece.
            piece = piece[1:] if piece.startswith(b"\n") else piece
            self._after_cr = False
        if not _LINE_END.search(piece):
            self._tail.append(piece)
            return []
        self._after_cr = piece.endswith(b"\r")
        *lines, rest = _LINE_END.split(b"".join((*self._tail, piece)))
        self._tail = [rest] if rest else []
        return [event for line in lines if (event := self._line(line)) is not None]

    def finish(self) -> list[ServerEvent]:
        """What the end of the stream left incomplete."""
        rest = b"".join(self._tail)
        self._tail = []
        if rest:
            self._line(rest)
        event = self._dispatch()
        return [event] if event else []

    def _line(self, line: bytes) -> ServerEvent | None:
        if self._first:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._first = False
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if field == b"data":
            self._data.append(text)
        elif field == b"event":
            self._name = text
        return None

    def _dispatch(self) -> ServerEvent | None:
        name, data = self._name, self._data
        self._name, self._data = "", []
        return ServerEvent(name or "message", "\n".join(data)) if data else None

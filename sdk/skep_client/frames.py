"""Server-sent events, read line by line (html.spec.whatwg.org, section 9.2.6)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from skep_client.errors import UnexpectedAnswer

#: Seconds to wait before a stream is taken up again, where Skep does not say.
RETRY_S = 2.0
#: Seconds that no word of Skep makes it wait longer than.
LONGEST_RETRY_S = 60.0


@dataclass(frozen=True)
class Frame:
    """One event of a stream."""

    #: its place, as a client that comes back names it; empty: it has none
    place: str
    kind: str
    data: Any


class Frames:
    """A stream, as far as it was read."""

    def __init__(self) -> None:
        #: seconds to wait before it is taken up again
        self.retry_s = RETRY_S
        self._said: dict[str, str] = {}

    def clear(self) -> None:
        """The stream begins anew: a piece of an event that broke off is read anew with it."""
        self._said = {}

    def take(self, line: str) -> Frame | None:
        """Read a line; the event that it completes. Raises `UnexpectedAnswer` where its data is no JSON."""
        if line:
            self._field(*line.partition(":")[::2])
            return None
        said, self._said = self._said, {}
        if "data" not in said:
            return None
        try:
            return Frame(said.get("id", ""), said.get("event", ""), json.loads(said["data"]))
        except ValueError:
            raise UnexpectedAnswer("An event is no JSON; does another program listen there?") from None

    def _field(self, name: str, value: str) -> None:
        value = value.removeprefix(" ")
        if name == "data" and name in self._said:
            self._said[name] += f"\n{value}"
        elif name in {"data", "event", "id"}:
            self._said[name] = value
        elif name == "retry" and value.isdigit():
            self.retry_s = min(int(value) / 1000, LONGEST_RETRY_S)

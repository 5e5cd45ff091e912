"""The history of a run as a stream: read line by line, and taken up again where it broke off.

Server-sent events (html.spec.whatwg.org, section 9.2). Each has its place in the history as its id, so a
client that was cut off asks for what came behind the last one and misses nothing.
"""

from __future__ import annotations

import json

from skep_client import calls, reading
from skep_client.answers import Event
from skep_client.calls import Call
from skep_client.errors import UnexpectedAnswer

#: Seconds of silence after which a stream counts as broken; Skep sends a word every 15.
SILENCE_S = 45.0
#: Seconds to wait before a stream is taken up again, where Skep does not say.
RETRY_S = 2.0
_ENDS = frozenset({"run.completed", "run.failed", "run.aborted"})


class Following:
    """One run's history, as far as it was read.

    Parameters:
        run_id: the run.
        after: only events behind this place.
    """

    def __init__(self, run_id: str, after: int = 0) -> None:
        self.run_id = run_id
        #: the place of the last event that was read
        self.last = after
        #: seconds to wait before it is taken up again
        self.retry_s = RETRY_S
        self._last_kind = ""
        self._was_over = False
        self._data: list[str] = []

    def call(self) -> Call[None]:
        """The request for what is not read yet; a piece of an event that broke off is read anew."""
        self._data.clear()
        return calls.events(self.run_id, self.last)

    def take(self, line: str) -> Event | None:
        """Read a line; the event that it completes."""
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                self._data.append(value)
            elif name == "retry" and value.isdigit():
                self.retry_s = min(int(value) / 1000, 60.0)
            return None
        if not self._data:
            return None
        data, self._data = "\n".join(self._data), []
        return self._event(data)

    def is_over(self) -> bool:
        """Whether a stream that ended in good order was the last: the run has ended, and all is read."""
        return self._was_over or self._last_kind in _ENDS

    def note(self, *, has_ended: bool) -> None:
        """The run was looked at between two streams: the next one has all that is left, if it has ended."""
        self._was_over = has_ended

    def _event(self, data: str) -> Event:
        try:
            event = reading.event(json.loads(data))
        except ValueError:
            raise UnexpectedAnswer("An event is no JSON; does another program listen there?") from None
        self.last, self._last_kind = event.seq, event.event
        return event

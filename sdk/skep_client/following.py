"""Streams of a run that are taken up again where they broke off, so that nothing is missed.

Each of their events has a place. A client that was cut off asks for what came behind the last one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from skep_client import calls, reading
from skep_client.answers import Event, OutputEvent
from skep_client.calls import Call
from skep_client.frames import Frame, Frames

#: Seconds of silence after which a stream counts as broken; Skep sends a word every 15.
SILENCE_S = 45.0
_ENDS = frozenset({"run.completed", "run.failed", "run.aborted"})
Told = TypeVar("Told")


class Followed(ABC, Generic[Told]):
    """A stream that is followed to its end, as far as it was read.

    Parameters:
        run_id: the run it is of.
    """

    #: whether the run must be looked at to know if a stream that ended in good order was the last
    needs_look: ClassVar[bool]

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._frames = Frames()

    @property
    def retry_s(self) -> float:
        """Seconds to wait before it is taken up again."""
        return self._frames.retry_s

    def call(self) -> Call[None]:
        """The request for what is not read yet."""
        self._frames.clear()
        return self._call()

    def take(self, line: str) -> Told | None:
        """Read a line; what it tells."""
        frame = self._frames.take(line)
        return None if frame is None else self._read(frame)

    @abstractmethod
    def is_over(self) -> bool:
        """Whether a stream that ended in good order was the last."""

    def note(self, *, has_ended: bool) -> None:
        """The run was looked at between two streams."""

    @abstractmethod
    def _call(self) -> Call[None]:
        """The request from the place on that was read last."""

    @abstractmethod
    def _read(self, frame: Frame) -> Told | None:
        """What an event tells; none for a kind that is not known here."""


class Following(Followed[Event]):
    """One run's history.

    Parameters:
        run_id: the run.
        after: only events behind this place.
    """

    needs_look = True

    def __init__(self, run_id: str, after: int = 0) -> None:
        super().__init__(run_id)
        #: the place of the last event that was read
        self.last = after
        self._last_kind = ""
        self._was_over = False

    def is_over(self) -> bool:
        """Whether a stream that ended in good order was the last: the run has ended, and all is read."""
        return self._was_over or self._last_kind in _ENDS

    def note(self, *, has_ended: bool) -> None:
        """The run was looked at between two streams: the next one has all that is left, if it has ended."""
        self._was_over = has_ended

    def _call(self) -> Call[None]:
        return calls.events(self.run_id, self.last)

    def _read(self, frame: Frame) -> Event:
        event = reading.event(frame.data)
        self.last, self._last_kind = event.seq, event.event
        return event


class FollowingOutput(Followed[OutputEvent]):
    """One task's output.

    Parameters:
        run_id: the run.
        task_id: the task, within its run.
    """

    needs_look = False

    def __init__(self, run_id: str, task_id: str) -> None:
        super().__init__(run_id)
        self._task_id = task_id
        self._place = ""
        self._is_over = False

    def is_over(self) -> bool:
        """Whether the task has ended, and all is read."""
        return self._is_over

    def _call(self) -> Call[None]:
        return calls.output_events(self.run_id, self._task_id, self._place)

    def _read(self, frame: Frame) -> OutputEvent | None:
        self._place = frame.place or self._place
        self._is_over = frame.kind == "end"
        return reading.output_event(frame.kind, frame.data)

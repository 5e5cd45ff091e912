"""When the queue file is to be written: soon after a change, not in the middle of many. Pure."""

from __future__ import annotations

from typing import Final

#: at most this share of the time goes into projection: one part in twenty
COST_FACTOR: Final = 20


class Pace:
    """Keeps the times that decide when the next projection is due. All are monotonic seconds."""

    def __init__(self, quiet_s: float, interval_s: float) -> None:
        self._quiet_s = quiet_s
        self._interval_s = interval_s
        self._first_change: float | None = None
        self._last_change: float | None = None
        self._projected_at = float("-inf")
        self._held_until = float("-inf")
        self._cost = 0.0

    def note_change(self, now: float) -> None:
        """Something changed that the file does not show."""
        self._last_change = now
        if self._first_change is None:
            self._first_change = now

    def begin(self) -> None:
        """What changed until now is being shown."""
        self._first_change = self._last_change = None

    def end(self, now: float, cost: float) -> None:
        """The file was written, or tried to, at this cost in seconds."""
        self._projected_at = now
        self._cost = cost

    def hold(self, until: float) -> None:
        """Somebody asks to leave the file alone."""
        self._held_until = until

    def due_at(self) -> float:
        """When to write: after some quiet, but a busy store does not put it off for ever."""
        if self._first_change is None or self._last_change is None:
            return float("inf")
        interval = max(self._interval_s, COST_FACTOR * self._cost)
        quiet = min(self._last_change + self._quiet_s, self._first_change + interval)
        return max(quiet, self._projected_at + interval, self._held_until)

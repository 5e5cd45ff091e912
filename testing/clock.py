"""A clock that a test turns."""

from __future__ import annotations


class FakeClock:
    """Both clocks, standing still until `advance` or `jump`."""

    def __init__(self, wall: float = 1_800_000_000.0, monotonic: float = 1000.0) -> None:
        self._wall = wall
        self._monotonic = monotonic

    def now(self) -> float:
        """Wall time, Unix seconds."""
        return self._wall

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._wall += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a person or NTP does; no time passes."""
        self._wall += seconds

"""The two clocks: one a person reads, one that only goes forward."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Protocol


class Clock(Protocol):
    """Where the time comes from; tests bring their own."""

    def now(self) -> float:
        """Wall time, Unix seconds: for what a person asks for or reads. It may jump."""

    def monotonic(self) -> float:
        """Seconds since the machine started, the same for all its processes: for leases and time-outs."""


class SystemClock:
    """The machine's clocks. ``CLOCK_MONOTONIC`` is shared by all processes of one boot and never jumps."""

    def now(self) -> float:
        """Wall time, Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Monotonic seconds of this boot."""
        return time.monotonic()


def to_rfc3339(moment: float) -> str:
    """Unix seconds as RFC 3339 text in UTC with microseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class _LocalTime(tzinfo):
    """The machine's own time zone with all its changes, where `astimezone` gives one moment's offset."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        return None

    def tzname(self, moment: datetime | None) -> str | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, moment: datetime) -> datetime:
        naive = datetime.fromtimestamp(moment.replace(tzinfo=UTC).timestamp())  # noqa: DTZ006  local on purpose
        return naive.replace(tzinfo=self)


LOCAL_TIME: Final = _LocalTime()


def to_local(moment: float) -> datetime:
    """Unix seconds as the time on the wall; hours added to it cross into summer time as they should."""
    return datetime.fromtimestamp(moment, LOCAL_TIME)


def to_local_text(moment: float) -> str:
    """Unix seconds as a short local time for a person."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def local_day(moment: float) -> str:
    """The calendar day on the wall at a moment, such as ``2030-01-31``."""
    return to_local(moment).date().isoformat()

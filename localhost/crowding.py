"""Room for the next connection, however many stay open and say nothing.

A server takes only so many connections. Any program of this machine may open that many without a token, send
half a request on each, or take no answer, and stay; so where it gets crowded those on which nothing has moved
for longest go first. A client whose kept connection has gone makes another.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from typing import Any, Final

#: Seconds in which a connection that was just made may send its request, or take more of an answer.
GRACE_S: Final = 1.0


def room(most: int) -> int:
    """How many connections may stay open: half of `most`, or of the files that this process may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (most if files == resource.RLIM_INFINITY else min(most, files)) // 2


def to_make_room(channels: Sequence[Any], most: int) -> list[Any]:
    """Which of waitress's channels to close, so that `most` are left; none whose answer is being made."""
    if len(channels) <= most:
        return []
    before = time.time() - GRACE_S
    idle = [channel for channel in channels if not channel.requests and channel.last_activity < before]
    idle.sort(key=_last_heard)
    return idle[: len(channels) - most]


def _last_heard(channel: Any) -> float:
    return float(channel.last_activity)

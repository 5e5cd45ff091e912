"""Whether anybody would take a waiting task: told by the locks of the home and the word of its processes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from host_platform import is_lock_held
from settings import Home
from store import processes
from store.reading import Reader
from store.waiting import Situation

NO_DAEMON: Final = "no daemon runs: `skep up` starts one"


def absence(home: Home, reader: Reader) -> str | None:
    """Why nobody takes tasks; none where a worker does."""
    if is_lock_held(home.daemon_lock):
        return processes.no_worker(reader.fact(processes.PROCESSES))
    return None if is_lock_held(home.leader_lock) else NO_DAEMON


def situation(home: Home, reader: Reader) -> Situation:
    """What holds tasks back, the absence of a daemon included."""
    return replace(reader.situation(), absent=absence(home, reader))

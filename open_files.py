"""How many files a process of Skep may have open, and how many it needs for its tasks (getrlimit(2))."""

from __future__ import annotations

import contextlib
import resource
from typing import Final

#: Open files that swarm asks the system for; a connection takes one, a running command up to five.
MOST_FILES: Final = 16_384
#: Files of a process without a task, and of each task that runs: as counted in swarm, with room to spare.
_WITHOUT_TASKS: Final = 64
_OF_A_TASK: Final = 10
#: What helps where there are too few.
WAY_OUT: Final = "Allow more (ulimit -n, or LimitNOFILE= of a service), or lower concurrency."


def allow_files() -> None:
    """Let this process open as many files as the system gives it."""
    most = _given()
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def shortage(concurrency: int) -> str | None:
    """Why so many tasks at once may want more files than there are, as a sentence; None if they will not."""
    given, needed = _given(), _WITHOUT_TASKS + _OF_A_TASK * concurrency
    if given >= needed:
        return None
    return (
        f"Only {given} files may be open at once, and {concurrency} tasks at once may need {needed}: "
        "some may fail for want of them."
    )


def _given() -> int:
    """The files that the system lets a process have, as far as Skep asks for them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)

"""What one command may use up: limits of the kernel on each of its processes (setrlimit(2)).

They are set from outside, with `prlimit(2)`, on the very process that becomes the command, before it is told
which. Nothing inside can raise them again.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from settings import Settings

#: The highest score there is (proc(5)): when memory is short, a command dies before the daemon does.
FIRST_TO_DIE: Final = b"1000"
#: A kind of limit, and how much.
Limit = tuple[int, int]

#: Seconds between the signal a program may answer and the one it may not.
_CPU_GRACE_S: Final = 1
#: Seconds for which a count of a user's processes is good enough.
_COUNT_EVERY_S: Final = 1.0


def of_settings(settings: Settings) -> list[Limit]:
    """What every process of a command gets, as far as this process may give it."""
    wanted = (
        (resource.RLIMIT_AS, settings.sandbox_memory_bytes),
        (resource.RLIMIT_FSIZE, settings.sandbox_file_bytes),
        (resource.RLIMIT_NOFILE, settings.sandbox_open_files),
        (resource.RLIMIT_CORE, 0),
    )
    return [(kind, _within_own(kind, most)) for kind, most in wanted]


def apply(pid: int, found: list[Limit], processes: int) -> None:
    """Limit a process that waits to become a command. Raises `OSError`.

    Parameters:
        processes: how many processes its user may have in all.
    """
    for kind, most in (*found, (resource.RLIMIT_NPROC, _within_own(resource.RLIMIT_NPROC, processes))):
        resource.prlimit(pid, kind, (most, most))
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_bytes(FIRST_TO_DIE)


def apply_cpu(pid: int, seconds: float) -> None:
    """Limit its CPU: a signal it may answer, a second later one it may not. Raises `OSError`."""
    soft = _within_own(resource.RLIMIT_CPU, math.ceil(seconds))
    resource.prlimit(pid, resource.RLIMIT_CPU, (soft, _within_own(resource.RLIMIT_CPU, soft + _CPU_GRACE_S)))


def _within_own(kind: int, most: int) -> int:
    """Nobody gives more than they have."""
    _, own = resource.getrlimit(kind)
    return most if own == resource.RLIM_INFINITY else min(most, own)


def counts_by_namespace(release: str | None = None) -> bool:
    """Whether RLIMIT_NPROC counts within a user namespace, as Linux does from 5.14 on."""
    version = re.match(r"(\d+)\.(\d+)", release or platform.release())
    return version is not None and (int(version[1]), int(version[2])) >= (5, 14)


class UserTasks:
    """How many processes and threads this user has, which is what RLIMIT_NPROC counts."""

    def __init__(self) -> None:
        self._counted = 0
        self._counted_at = -_COUNT_EVERY_S

    def count(self) -> int:
        """The number, at most a second old."""
        now = time.monotonic()
        if now - self._counted_at >= _COUNT_EVERY_S:
            self._counted, self._counted_at = sum(_threads_of_user(os.getuid())), now
        return self._counted


def _threads_of_user(uid: int) -> Iterator[int]:
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == uid:
                # a directory's links: itself, its parent, and one for each thread
                yield Path(entry.path, "task").stat().st_nlink - 2

"""Whether anybody works on this home."""

from __future__ import annotations

import fcntl
import os

from settings import Home


def worker_runs(home: Home) -> bool:
    """Whether a worker leads this home: it holds the leader's lock, taken here for an instant, shared."""
    try:
        handle = os.open(home.leader_lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False

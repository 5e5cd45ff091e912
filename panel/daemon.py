"""Whether anybody works on this home."""

from __future__ import annotations

from host_platform import is_lock_held
from settings import Home


def worker_runs(home: Home) -> bool:
    """Whether a worker leads this home."""
    return is_lock_held(home.leader_lock)


def supervised(home: Home) -> bool:
    """Whether ``skep up`` keeps a daemon on this home."""
    return is_lock_held(home.daemon_lock)

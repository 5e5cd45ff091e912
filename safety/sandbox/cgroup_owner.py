"""Whose a cgroup is: the daemon's that holds its lock.

For as long as it lives a daemon holds a lock (flock(2)) on the directory of its groups. The kernel takes the
lock away when the daemon ends, however it ends. A process id would not do to tell: a Skep in a process
namespace of its own, as in a container, sees the same groups and not the processes that own them, while a
lock is the same for all.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

#: How often a group is made that another Skep removes before it is held.
_TRIES: Final = 5
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def claim(group: Path) -> int:
    """Make a group where it is missing, and hold it for as long as the returned descriptor is open.

    Raises `OSError` where it cannot be made.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(FileExistsError):
            group.mkdir(mode=0o700)
        with contextlib.suppress(FileNotFoundError), contextlib.ExitStack() as undo:
            handle = os.open(group, _DIRECTORY)
            undo.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)  # who removes groups has it for an instant only
            if is_held(group, handle):
                undo.pop_all()
                return handle
    raise FileNotFoundError(f"{group} is removed as often as it is made")


def is_held(group: Path, handle: int) -> bool:
    """Whether the group of this name is still the one that is held, and not gone or another's."""
    try:
        return os.path.samestat(group.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def remove_left(parent: Path, prefix: str) -> None:
    """Remove the groups of daemons that have gone; one that is owned or not empty stays whole."""
    for group in parent.glob(f"{prefix}*-[0-9]*"):
        if Path("/proc", group.name.rpartition("-")[2]).exists():
            continue  # it may be that of an older Skep, which holds no lock
        with contextlib.suppress(OSError):
            _remove_unless_used(group)


def _remove_unless_used(group: Path) -> None:
    """Remove a group with those below. Raises `OSError`, as when it is held."""
    handle = os.open(group, _DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folders = [Path(place) for place, _, _ in os.walk(group, topdown=False)]
        if not any(map(_has_processes, folders)):
            for folder in folders:
                folder.rmdir()
    finally:
        os.close(handle)


def _has_processes(folder: Path) -> bool:
    """Processes that this one cannot see are listed too, as 0 (cgroups(7))."""
    try:
        return bool((folder / "cgroup.procs").read_text().strip())
    except FileNotFoundError:
        return False

"""How much disk a command takes while it runs, and when that is too much.

A limit of the kernel holds for one file only (RLIMIT_FSIZE), so a command that writes many is watched. First
comes what costs nothing: has the file system lost more room than the command may take, since it began? Only
then is it looked at who took it. Where the file system counts, that is what the command's own processes
wrote (proc_pid_io(5)), which also finds what was unlinked while it is open; elsewhere, such as on a tmpfs, it
is what changed in its places since it began.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import host_platform

#: Seconds between looks.
LOOK_EVERY_S: Final = 0.25
#: Bytes a file takes at least, so that millions of empty ones count.
LEAST_BYTES: Final = 4096
#: Directories below a watched one that are entered.
MOST_DEPTH: Final = 64
#: File systems whose writes the kernel counts for the process that made them.
_COUNTED: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "overlay"})


class DiskWatch:
    """Watches what one command writes.

    Parameters:
        places: directories it may write.
        most_bytes: how much it may take there in all.
        first: the process from which all of the command's descend.
    """

    def __init__(self, places: Iterable[str], most_bytes: int, first: int) -> None:
        self._most = most_bytes
        self._first = first
        self._began = time.time()
        self._room = {place: _room(place) for place in places}
        self._look_at = dict.fromkeys(self._room, most_bytes)

    def is_over(self) -> bool:
        """Whether the command has taken too much. Looks closer only when the file system lost that much."""
        return any(self._is_over(place) for place in self._room)

    def _is_over(self, place: str) -> bool:
        lost = self._room[place] - _room(place)
        if lost <= self._look_at[place]:
            return False
        taken = self._taken(place)
        self._look_at[place] = lost + self._most - taken
        return taken > self._most

    def _taken(self, place: str) -> int:
        changed, names = changed_since(Path(place), self._began)
        if host_platform.file_system_type(Path(place)) in _COUNTED:
            return max(written_bytes(self._first), names * LEAST_BYTES)
        return changed


def _room(place: str) -> int:
    """Bytes that are free, and names that are free as bytes."""
    try:
        told = os.statvfs(place)
    except OSError:
        return 0
    return told.f_bfree * told.f_frsize + told.f_ffree * LEAST_BYTES


def changed_since(folder: Path, since: float, depth: int = 0) -> tuple[int, int]:
    """Bytes that what changed since then (Unix seconds) takes, and how many names; no link is followed."""
    size = names = 0
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            with contextlib.suppress(OSError):
                told = entry.stat(follow_symlinks=False)
                if told.st_ctime >= since:
                    size += max(told.st_blocks * 512, LEAST_BYTES)
                    names += 1
                if stat.S_ISDIR(told.st_mode) and depth < MOST_DEPTH:
                    below = changed_since(Path(entry.path), since, depth + 1)
                    size, names = size + below[0], names + below[1]
    return size, names


def written_bytes(first: int) -> int:
    """Bytes that a process and all below it had written to disk, the dead among them included."""
    return sum(_written(pid) for pid in (first, *descendants(first)))


def _written(pid: int) -> int:
    try:
        fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    except (OSError, ValueError):
        return 0
    return int(fields["write_bytes"]) - int(fields["cancelled_write_bytes"])


def descendants(first: int) -> Iterator[int]:
    """Every process below one."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{first}/task").iterdir():
            for pid in (task / "children").read_text().split():
                yield int(pid)
                yield from descendants(int(pid))

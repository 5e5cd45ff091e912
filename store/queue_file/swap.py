"""Putting the next queue file in the place of the old one without losing what was saved in between.

The two change places in one step, so whatever stood there, a person's save of a millisecond ago included, is
in our hands afterwards and can be looked at. The old file is kept for some seconds: an editor that holds it
open may still write into it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

import host_platform
from store.queue_file import plain_files
from store.queue_file.swap_places import SwapPlaces

#: seconds since its last change that an editor's mark holds projection, by name
_LONG: Final = 15 * 60.0
_SHORT: Final = 5.0


class Places:
    """Where one queue file is and what lies around it."""

    def __init__(self, queue_file: Path, state: Path) -> None:
        self._queue_file = queue_file
        #: what the name leads to: a link is followed and stays
        self.target = plain_files.target_of(queue_file)
        #: whether it is on another mount than the home
        self.is_elsewhere = not host_platform.is_one_mount(self.target.parent, state)
        self.swaps = SwapPlaces.beside(self.target) if self.is_elsewhere else SwapPlaces.in_home(state)
        self.error = queue_file.with_name(f"{queue_file.name}.error")

    def has_moved(self) -> bool:
        """Whether the name leads elsewhere by now."""
        return plain_files.target_of(self._queue_file) != self.target

    def is_being_edited(self, now: float) -> bool:
        """Whether an editor's mark beside the file asks to leave it alone; `now` is wall time."""
        return is_being_edited(self.target, now)


def is_being_edited(target: Path, now: float) -> bool:
    """Whether an editor's mark beside a file asks to leave it alone; `now` is wall time."""
    name = target.name
    marks = {f".{name}.swp": _LONG, f".{name}.swo": _LONG, f".#{name}": _LONG, f"{name}.lock": _LONG,
             f".~lock.{name}#": _LONG, f"{name}~": _SHORT}  # fmt: skip
    return any(_is_younger(target.with_name(mark), now - most) for mark, most in marks.items())


def _is_younger(path: Path, moment: float) -> bool:
    try:
        return path.lstat().st_mtime > moment
    except OSError:
        return False


def create(path: Path, like: Path) -> int:
    """Open a new file for writing, with the mode and owner of another as far as this user may.

    What has its name is taken away first: in a folder that others may write to, it may be theirs, and open.
    """
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with contextlib.suppress(FileNotFoundError):
        info, mine = like.stat(), os.fstat(handle)
        if (info.st_uid, info.st_gid) != (mine.st_uid, mine.st_gid):
            with contextlib.suppress(PermissionError):
                os.fchown(handle, info.st_uid, info.st_gid)
        os.fchmod(handle, stat.S_IMODE(info.st_mode))
    return handle


def exchange(new: Path, target: Path, known: frozenset[str]) -> bool:
    """Put `new` at `target`; what stood there is at `new` afterwards. False where that was not safe.

    Where the file system cannot exchange names, the old file is looked at and linked aside first; a save by
    rename in the instant between is then lost.
    """
    try:
        host_platform.exchange_files(new, target)
    except FileNotFoundError:
        return _create(new, target)
    except host_platform.ExchangeUnsupported:
        return _replace(new, target, known) if os.path.lexists(target) else _create(new, target)
    host_platform.fsync_directory(target.parent)
    return True


def _create(new: Path, target: Path) -> bool:
    """The file was missing: it appears whole, and never over one that came meanwhile."""
    try:
        os.link(new, target)
    except OSError:
        return False
    new.unlink()
    host_platform.fsync_directory(target.parent)
    return True


def _replace(new: Path, target: Path, known: frozenset[str]) -> bool:
    if plain_files.hash_file(target) not in known:
        return False
    aside = new.with_name(f"{new.name}-old")
    with contextlib.suppress(FileNotFoundError):
        aside.unlink()
    os.link(target, aside)
    new.replace(target)
    aside.replace(new)
    host_platform.fsync_directory(target.parent)
    return True

"""The folders of the inbox: made where they are missing, and used only where they are folders of this user.

What lies in ``inbox/new`` is moved and removed, so no link is followed on the way there: what another name
leads to is nobody's inbox.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from pathlib import Path
from typing import Final

from errors import InvalidFile
from store.queue_file import plain_files

#: Bytes that are kept of a refused file's name, so that there is room for ``.error``.
_LONGEST_NAME: Final = 200


def make(root: Path) -> None:
    """Make the folders that are missing, for this user alone; nothing below one that may not be used."""
    for folder in (root, root / "new", root / "refused", root / "tmp"):
        if why_not(root) is not None:
            return
        with contextlib.suppress(OSError):  # `why_not` and the next look tell of it
            folder.mkdir(mode=0o700)


def why_not(root: Path) -> str | None:
    """Why nothing may be taken in, as a sentence without its end; None where something may."""
    for folder in (root, root / "new", root / "refused"):
        why = _trouble(folder)
        if why is not None:
            return f"{folder.relative_to(root.parent)} {why}; nothing is taken in"
    return None


def is_whole(root: Path) -> bool:
    """Whether the folders that are needed are there."""
    return all(folder.is_dir() for folder in (root / "new", root / "refused"))


def free_name(folder: Path, name: str) -> str:
    """A name like this one that nothing in the folder has, nor the reason that is put beside it."""
    short = os.fsdecode(os.fsencode(name)[-_LONGEST_NAME:])
    found = short
    while os.path.lexists(folder / found) or os.path.lexists(folder / f"{found}.error"):
        found = f"{time.time_ns()}-{short}"
    return found


def _trouble(folder: Path) -> str | None:
    try:
        info = folder.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if not stat.S_ISDIR(info.st_mode):
        return "is no folder (no link is followed: what lies in the inbox is moved and removed)"
    try:
        plain_files.check_owner(info, folder)
    except InvalidFile as error:
        return error.message
    return None

"""What stands at a path at one moment: its kind, its permissions, and every byte of it by its hash.

A rollback is agreed to over what was shown. So what was shown is named by what stood there then, and looked
at once more right before it is written over: what somebody saved in between is in neither.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import Final

from review.checkpoints import workspace


@dataclass(frozen=True, slots=True)
class Present:
    """What stands at a path."""

    #: kind and permissions (``st_mode``, inode(7)); 0: nothing is there
    mode: int
    #: bytes of a file, or of the target of a link
    size: int = 0
    #: SHA-256 of these bytes
    sha256: str = ""


NOTHING: Final = Present(0)
#: A folder, or a file in place of a folder above: nothing that a file at this path could be told by.
IN_THE_WAY: Final = Present(stat.S_IFDIR)


def present_of(mode: int, content: bytes) -> Present:
    """What was read as a file or link."""
    return Present(mode, len(content), hashlib.sha256(content).hexdigest())


def look(root: int, path: bytes, most: int) -> Present:
    """What stands at a path beneath an open folder now. Raises `OSError` where it cannot be read whole."""
    try:
        return present_of(*workspace.read_whole(root, path, most))
    except FileNotFoundError:
        return NOTHING
    except (IsADirectoryError, NotADirectoryError):
        return IN_THE_WAY


def check(root: int, path: bytes, before: Present, most: int) -> None:
    """Raise `workspace.Moved` unless what is to be written over is what was looked at.

    What was in the way has been cleared by now, so nothing may stand there.
    """
    wanted = NOTHING if before == IN_THE_WAY else before
    if look(root, path, most) != wanted:
        raise workspace.Moved(0, "it has changed since it was looked at", os.fsdecode(path))

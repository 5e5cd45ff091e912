"""Small files that only their owner may read, looked at before they are believed, as Skep looks at them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from skep_client.errors import HomeUnusable

#: bytes of the longest of these files
MOST_BYTES = 4096
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read(path: Path) -> str | None:
    """The text of a private file; none where there is none.

    Raises `HomeUnusable` where others could have written or read it, or it cannot be read.
    """
    try:
        handle = os.open(path, _READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeUnusable(f"{path} cannot be read: {error.strerror}.") from error
    try:
        if not is_private(os.fstat(handle), stat.S_IFREG):
            raise HomeUnusable(
                f"{path} is not a plain file of yours alone, and so its word is not taken. If nobody else "
                "could have changed it, `chmod 600` it; else remove it and start Skep again."
            )
        return os.read(handle, MOST_BYTES).decode("ascii", "replace").strip()
    finally:
        os.close(handle)


def is_private(found: os.stat_result, kind: int) -> bool:
    """Whether a file is of this kind, ours, and closed to everybody else."""
    return stat.S_IFMT(found.st_mode) == kind and found.st_uid == os.geteuid() and not found.st_mode & 0o077

"""Small files that only their owner may read: the execution token, the key of the audit, login codes.

Made closed from the first moment on, with no window in which the umask decides; and looked at again at every
read, because a secret that others could have read is none.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

import host_platform
from errors import StoreReadOnly

#: bytes of the longest of these files
MOST_BYTES: Final = 4096
_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotPrivate(StoreReadOnly):
    """A file that must be yours alone is not."""

    code = "not_private"


def is_private(found: os.stat_result, kind: int = stat.S_IFREG) -> bool:
    """Whether a file is of this kind, ours, and closed to everybody else."""
    return stat.S_IFMT(found.st_mode) == kind and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def read(path: Path) -> str:
    """The text of a private file. Raises `NotPrivate` where it is not, `FileNotFoundError`, `OSError`."""
    try:
        handle = os.open(path, _READ)
    except OSError as error:
        if path.is_symlink():
            raise _refusal(path) from error
        raise
    try:
        if not is_private(os.fstat(handle)):
            raise _refusal(path)
        return os.read(handle, MOST_BYTES).decode("ascii", "replace").strip()
    finally:
        os.close(handle)


def write(path: Path, text: str) -> None:
    """Put a private file in place, whole and on disk, or not at all. Raises `OSError`."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, _MAKE, 0o600)
    try:
        try:
            os.write(handle, text.encode("ascii"))
            os.fchmod(handle, 0o600)
            os.fsync(handle)
        finally:
            os.close(handle)
        fresh.rename(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    host_platform.fsync_directory(path.parent)


def _refusal(path: Path) -> NotPrivate:
    return NotPrivate(
        f"{path} is not a plain file of yours alone. If others could not have changed it, `chmod 600` it; "
        "else remove it and start Skep again: it makes a new one."
    )

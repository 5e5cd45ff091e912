"""Who may read what a rollback writes: never more people than could read what it is written over.

git knows of a file only whether it may be executed. So the rest is taken from what stands in its place; and
where nothing does, from the folder it comes into and the umask.
"""

from __future__ import annotations

import os
import stat
from typing import Final

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: Where Linux keeps the access list of a file (acl(5)).
_ACCESS_LIST: Final = "system.posix_acl_access"
_OWNER: Final = 0o700


def create(folder: int, fresh: bytes, name: bytes, *, is_program: bool) -> int:
    """A new, empty, open file in a folder, with the rights that fit `name` there. Raises `OSError`.

    What is there must not change until the new file takes its place.
    """
    told = _file_at(folder, name)
    if told is None:
        return os.open(fresh, _NEW, new(os.fstat(folder).st_mode, is_program=is_program), dir_fd=folder)
    handle = os.open(fresh, _NEW, 0o600, dir_fd=folder)
    try:
        rights = kept(told.st_mode, is_program=is_program)
        is_same = _is_given(handle, told) and not _has_list(folder, name)
        os.fchmod(handle, rights if is_same else rights & _OWNER)
    except BaseException:
        os.close(handle)
        os.unlink(fresh, dir_fd=folder)
        raise
    return handle


def kept(mode: int, *, is_program: bool) -> int:
    """The rights of a file that is written over, but that it may be executed or not, as is wanted."""
    rights = stat.S_IMODE(mode) & 0o777
    if is_program == bool(rights & 0o100):
        return rights
    return rights | 0o100 | (rights & 0o444) >> 2 if is_program else rights & ~0o111


def new(folder_mode: int, *, is_program: bool) -> int:
    """The rights of a file that is not there, before the umask: no wider than its folder's."""
    return (0o777 if is_program else 0o666) & (folder_mode | _OWNER)


def _file_at(folder: int, name: bytes) -> os.stat_result | None:
    """What stands there, if it is a file."""
    try:
        told = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return told if stat.S_ISREG(told.st_mode) else None


def _is_given(handle: int, told: os.stat_result) -> bool:
    """Whether a file's group, and where that can be its owner, are those of another: by now, or before."""
    made = os.fstat(handle)
    if (made.st_uid, made.st_gid) == (told.st_uid, told.st_gid):
        return True
    for owner in (told.st_uid, -1):
        try:
            os.fchown(handle, owner, told.st_gid)
        except OSError:
            continue
        return True
    return False


def _has_list(folder: int, name: bytes) -> bool:
    """Whether a file has an access list; the rights of its group are the widest of that list then."""
    ask = getattr(os, "getxattr", None)  # not on macOS, whose lists leave the rights of the group alone
    if ask is None:
        return False
    handle = os.open(name, _LOOK, dir_fd=folder)
    try:
        ask(handle, _ACCESS_LIST)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True

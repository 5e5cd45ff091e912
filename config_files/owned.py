"""Files that say what Skep does, and the folders they lie in: they count only where no stranger wrote them.

What a stranger puts into a home must neither send a key elsewhere nor bring rules, tools or code of theirs.
So a home that everybody can write is none: there, links and folders would lead anywhere. Who is in the group
that may write to a home is trusted as its user is.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from errors import InvalidSetting

#: bytes of such a file, unless who reads it says another number
MOST_BYTES: Final = 4 * 1024 * 1024
#: of a home, what Skep works in or obeys; `queue.json` and the inbox are judged when they are read
_PLACES: Final = (".swarm", "config", "workspace", "workflows", "conflicts", "execution_log.jsonl")
#: and what nobody else may write to
_CLOSED: Final = frozenset({".swarm", "config"})
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_ANOTHER: Final = "make a home of your own (skep init DIR), and name it with --home or SKEP_HOME"


def check_home(root: Path) -> None:
    """Raise `InvalidSetting` where others could put, or have put, into a home what Skep works in or obeys.

    Root works for whom a home belongs to, unless anybody could have made it.
    """
    if (info := _look_at(root)) is None:
        return
    if os.geteuid() == 0:
        _check_way_to(root)
    elif info.st_uid not in {0, os.geteuid()}:
        raise _refuse("home", f"{root} belongs to another user (uid {info.st_uid}); {_ANOTHER}")
    _check_closed(info, root, "home")
    for name in _PLACES:
        check_place(root, name)


def check_place(root: Path, name: str) -> None:
    """Raise `InvalidSetting` where a place in a home, or the link that leads to it, is another user's."""
    path = root / name
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        _check_owner(path.lstat(), path, name)
    if name in _CLOSED and (info := _look_at(path)) is not None:
        _check_owner(info, path, name)
        _check_closed(info, path, name)


def _check_owner(info: os.stat_result, path: Path, name: str) -> None:
    if info.st_uid not in {0, *owners(path)}:
        told = f"{path} belongs to another user (uid {info.st_uid})"
        raise _refuse(name, f"{told}; look at it, and take it away, or make it yours with chown -h")


def _check_closed(info: os.stat_result, path: Path, name: str) -> None:
    if not info.st_mode & stat.S_IWOTH:
        return
    is_for_all = info.st_mode & stat.S_ISVTX or info.st_uid != os.geteuid()
    way_out = _ANOTHER if is_for_all else f"chmod -R o-w {path}"
    raise _refuse(name, f"everybody can write {path}, and put settings and code of theirs there; {way_out}")


def _check_way_to(root: Path) -> None:
    """In a folder that everybody can write, a folder of another user may have been put there for root."""
    for folder in (root, *root.parents[:-1]):
        owner = folder.stat().st_uid
        if owner not in {0, os.geteuid()} and folder.parent.stat().st_mode & stat.S_IWOTH:
            told = f"{folder} belongs to another user (uid {owner}), and everybody can write {folder.parent}"
            raise _refuse("home", f"{told}; {_ANOTHER}")


def _refuse(name: str, told: str) -> InvalidSetting:
    return InvalidSetting(f"{name}: {told}", setting=name)


def _look_at(folder: Path) -> os.stat_result | None:
    try:
        info = folder.stat()
    except OSError:
        return None
    return info if stat.S_ISDIR(info.st_mode) else None


def read(path: Path, name: str, most_bytes: int | None = None) -> bytes:
    """The content of such a file, which messages call `name`, up to so many bytes.

    Raises `FileNotFoundError`, `OSError`, and `InvalidSetting` where it is not to be trusted, or longer than
    `MOST_BYTES` where no other number is given.
    """
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        check(os.fstat(file.fileno()), path, name)
        data = file.read(MOST_BYTES + 1 if most_bytes is None else most_bytes)
    if most_bytes is None and len(data) > MOST_BYTES:
        raise _refuse(name, f"is over {MOST_BYTES:,} bytes, the most that such a file may have")
    return data


def check(info: os.stat_result, path: Path, name: str) -> None:
    """Raise `InvalidSetting` unless it is a plain file of this user or root that not everybody can write."""
    if not stat.S_ISREG(info.st_mode):
        raise _refuse(name, "must be a plain file")
    if info.st_uid not in {0, *owners(path)}:
        told = f"belongs to another user (uid {info.st_uid}); it says what Skep does, so it must be yours"
        raise _refuse(name, f"{told}: look at it, and take it away, or make it yours with chown")
    if info.st_mode & stat.S_IWOTH:
        raise _refuse(name, f"says what Skep does, and everybody can write it; chmod o-w {path}")


def owners(path: Path) -> set[int]:
    """Whose files are trusted there: this user's own.

    Root works for whom a directory above belongs to: who may replace that may also write the file.
    """
    me = os.geteuid()
    return {me} if me != 0 else {me, *(folder.stat().st_uid for folder in path.absolute().parents)}

"""Files that say what Skep does: they count only where no stranger wrote them.

What a stranger puts into a home must neither send a key elsewhere nor bring rules, tools or code of theirs.
"""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import Final

from errors import InvalidSetting

#: bytes of such a file, unless who reads it says another number
MOST_BYTES: Final = 4 * 1024 * 1024
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def read(path: Path, name: str, most_bytes: int | None = None) -> bytes:
    """The content of such a file, which messages call `name`, up to so many bytes.

    Raises `FileNotFoundError`, `OSError`, and `InvalidSetting` where it is not to be trusted, or longer than
    `MOST_BYTES` where no other number is given.
    """
    check_link(path, name)
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        check(os.fstat(file.fileno()), path, name)
        data = file.read(MOST_BYTES + 1 if most_bytes is None else most_bytes)
    if most_bytes is None and len(data) > MOST_BYTES:
        raise refusal(name, f"is over {MOST_BYTES:,} bytes, the most that such a file may have")
    return data


def check(info: os.stat_result, path: Path, name: str) -> None:
    """Raise `InvalidSetting` unless it is a plain file of this user or root that not everybody can write."""
    if not stat.S_ISREG(info.st_mode):
        raise refusal(name, "must be a plain file")
    if info.st_uid not in {0, *owners(path)}:
        told = f"belongs to another user (uid {info.st_uid}); it says what Skep does, so it must be yours"
        raise refusal(name, f"{told}: look at it, and take it away, or make it yours with chown")
    if info.st_mode & stat.S_IWOTH:
        told = "says what Skep does, and everybody can write it"
        raise refusal(name, f"{told}; chmod o-w {shlex.quote(str(path))}")


def check_link(path: Path, name: str) -> None:
    """Raise `InvalidSetting` where what stands there is a link of another user. Raises `OSError`."""
    info = path.lstat()
    if stat.S_ISLNK(info.st_mode) and info.st_uid not in {0, *owners(path)}:
        told = f"is a link of another user (uid {info.st_uid}), who says by it what Skep does"
        raise refusal(name, f"{told}: look where it leads, and put a file of your own there")


def owners(path: Path) -> set[int]:
    """Whose files are trusted there: this user's own.

    Root works for whom a directory above belongs to: who may replace that may also write the file.
    """
    me = os.geteuid()
    return {me} if me != 0 else {me, *(folder.stat().st_uid for folder in path.absolute().parents)}


def take_back(*paths: str | Path) -> str:
    """The command by which this user gets back what root made: by number, as ``$USER`` is often unset."""
    return f"sudo chown -hR {os.geteuid()} {' '.join(shlex.quote(str(path)) for path in paths)}"


def refusal(name: str, told: str) -> InvalidSetting:
    """What is raised where something is not to be trusted that messages call `name`."""
    return InvalidSetting(f"{name}: {told}", setting=name)

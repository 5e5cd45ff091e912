"""Files that say what Skep does: they count only where nobody but their user could have written them.

A home may lie in a folder that others write to; what they put there must neither send a key elsewhere nor
bring rules, tools or code of their own.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from errors import InvalidSetting

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def read(path: Path, name: str, most_bytes: int = -1) -> bytes:
    """The content of such a file, which messages call `name`, up to so many bytes.

    Raises `FileNotFoundError`, `OSError`, and `InvalidSetting` where it is not to be trusted.
    """
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        check(os.fstat(file.fileno()), path, name)
        return file.read(most_bytes)


def check(info: os.stat_result, path: Path, name: str) -> None:
    """Raise `InvalidSetting` unless it is a plain file of this user or root that not everybody can write."""
    if not stat.S_ISREG(info.st_mode):
        raise InvalidSetting(f"{name}: must be a plain file", setting=name)
    if info.st_uid not in {0, *owners(path)}:
        raise InvalidSetting(
            f"{name}: belongs to another user (uid {info.st_uid}); it says what Skep does, so it must be "
            "yours: take it away, or make it yours with chown",
            setting=name,
        )
    if info.st_mode & stat.S_IWOTH:
        raise InvalidSetting(
            f"{name}: says what Skep does, and everybody can write it; chmod o-w {path}", setting=name
        )


def owners(path: Path) -> set[int]:
    """Whose files are trusted there: this user's own.

    Root works for whom a directory above belongs to: who may replace that may also write the file.
    """
    me = os.geteuid()
    return {me} if me != 0 else {me, *(folder.stat().st_uid for folder in path.absolute().parents)}

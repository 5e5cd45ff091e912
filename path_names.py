"""Where a path that somebody wrote down leads, whatever stands there.

`pathlib.Path.resolve` and `expanduser` raise `RuntimeError`, which nobody who expects the file system's
errors catches: for links that lead in a circle (before Python 3.13), and for ``~name`` where there is no such
user. Here both are told by whoever opens the path, as `OSError`, or as a path that is not absolute.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

#: So often is looked where a path leads, as many as the links that Linux follows in one.
MOST_LOOKS: Final = 40


def real_path(path: str | os.PathLike[str]) -> Path:
    """The absolute path behind all links (realpath(3)); links in a circle are left as they stand.

    Behind a circle `os.path.realpath` takes ``..`` by its letters and follows nothing more, which may lead
    anywhere: what it finds is looked at until it stays. Raises `OSError` where it never does.
    """
    found = os.path.realpath(path)
    for _ in range(MOST_LOOKS):
        last, found = found, os.path.realpath(found)
        if found == last:
            return Path(found)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with ``~`` or ``~name`` as the directory it stands for; left as it is where there is none."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  its counterpart raises

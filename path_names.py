"""Where a path that somebody wrote down leads, whatever stands there.

`pathlib.Path.resolve` and `expanduser` raise `RuntimeError`, which nobody who expects the file system's
errors catches: for links that lead in a circle (before Python 3.13), and for ``~name`` where there is no such
user. Here both are told by whoever opens the path, as `OSError`, or as a path that is not absolute.
"""

from __future__ import annotations

import os
from pathlib import Path


def real_path(path: str | os.PathLike[str]) -> Path:
    """The absolute path behind all links (realpath(3)); links in a circle are left as they stand."""
    return Path(os.path.realpath(path))


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with ``~`` or ``~name`` as the directory it stands for; left as it is where there is none."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  its counterpart raises

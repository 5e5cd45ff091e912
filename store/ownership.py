"""Whose a place is that the system does not open for the user who asks, and what that user can do instead."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Final

from config_files import owned

#: what a user can do in a home of another
WAY_OUT: Final = "Run Skep as that user, or name a home of your own with --home or SKEP_HOME"


def way_out(path: Path) -> str:
    """The end of a sentence about a place that cannot be opened; empty where it is nobody else's."""
    place = _nearest(path)
    asks = os.geteuid()
    if asks == 0 or place is None or place[1] == asks or os.access(path, os.R_OK | os.W_OK):
        return ""
    return f"; {sentence(*place)}"


def sentence(path: Path, owner: int) -> str:
    """That a place is another user's, and what to do, without a full stop."""
    if owner == 0 and _is_in_ours(path):
        return f"{path} belongs to root, as after sudo skep. Take it back: {owned.take_back(path)}"
    return f"{path} belongs to another user ({_name(owner)}). {WAY_OUT}"


def _is_in_ours(path: Path) -> bool:
    """Whether a folder that it stands in is this user's."""
    above = _nearest(path.parent)
    return above is not None and above[1] == os.geteuid()


def _nearest(path: Path) -> tuple[Path, int] | None:
    """What of a path can be looked at, the last of it, and its owner: where the way ends, it is closed."""
    for each in (path, *path.parents):
        try:
            return each, each.stat().st_uid
        except OSError:
            continue
    return None


def _name(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name}, uid {uid}"
    except KeyError:
        return f"uid {uid}"

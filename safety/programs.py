"""Where programs lie, and whether one is fit to be started.

What the policy says of a command never depends on what is installed. A bare name is one fixed path, and only
when the program is started does it matter that it is there, and that nobody but root (for a profile's own:
or this user) could have put another in its place.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

#: Where bare names are looked for.
SEARCH_PATH: Final = ("/usr/bin", "/bin")
#: Who may own a program found there.
_ROOT: Final = frozenset({0})


def place_of(name: str) -> str:
    """The path of a program by its bare name: where it is, else where it would be."""
    places = [f"{folder}/{name}" for folder in SEARCH_PATH]
    return next((place for place in places if os.path.lexists(place)), places[0])


def why_not(path: str, workspace: Path) -> str | None:
    """Why a program is not fit to be started, with the way out; none when it is."""
    found = os.path.realpath(path)
    if not os.path.lexists(path) or not Path(found).exists():
        return f"{path} is not installed; install it, and send the task back"
    if not Path(found).is_file() or not os.access(found, os.X_OK):
        return f"{path} is not a program that may be executed; chmod +x it, or name another"
    if any(_is_below(each, workspace) for each in (path, found)):
        return f"{path} lies in the workspace, where commands could have put it; install it elsewhere"
    owners = _ROOT if str(Path(path).parent) in SEARCH_PATH else _ROOT | {os.geteuid()}
    for each in dict.fromkeys([path, found]):
        fault = _fault(Path(each), owners)
        if fault is not None:
            return fault
    return None


def _is_below(path: str, workspace: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(workspace))


def _fault(program: Path, owners: frozenset[int]) -> str | None:
    """Who else could exchange a program: by itself, or by a directory it lies in."""
    for place in (program, *program.parents):
        told = place.lstat()
        who = "root" if owners == _ROOT else "root or you"
        if told.st_uid not in owners:
            return f"{place} belongs to uid {told.st_uid}; what runs must belong to {who}, all the way up"
        if _is_open(told.st_mode):
            return f"{place} can be written by others, who could exchange {program.name}; chmod go-w {place}"
    return None


def _is_open(mode: int) -> bool:
    """Whether others can exchange it, or what lies in it. In a sticky directory nobody can but the owners."""
    is_sticky = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
    return not stat.S_ISLNK(mode) and not is_sticky and bool(mode & (stat.S_IWGRP | stat.S_IWOTH))

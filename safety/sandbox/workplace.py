"""The directory that commands work in: made when missing, and apart from what is Skep's or the system's.

It may be a link to a directory elsewhere, since only the home's owner can put one there.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from safety.sandbox.levels import FOR_NOW, NotStarted
from settings import Home

#: Where nobody works: what the system alone puts files into, and what is no files at all.
_THE_SYSTEMS: Final = tuple(
    map(Path, ("/bin", "/boot", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr/bin", "/usr/lib"))
)
#: What stands around such places: there itself nobody works either, but perhaps further in.
_AROUND_THEM: Final = frozenset({Path("/dev"), Path("/usr")})
_INSTEAD: Final = "let it be a directory, or a link to one that is apart from the home and the system"


class Unusable(NotStarted):
    """No command can work there until somebody has done something about it."""

    def __init__(self, told: str, way_out: str, *, is_for_now: bool = False) -> None:
        super().__init__(f"{told}; {way_out}", is_for_now=is_for_now)
        self.told = told
        self.way_out = way_out


def make(home: Home) -> None:
    """Have the directory, its user's alone where it is made here. Raises `Unusable`."""
    path = home.workspace
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise _in_the_way(path) from error
    except OSError as error:
        told = f"the workspace {path} cannot be made: {error.strerror or error}"
        way_out = "see what is the matter with that place"
        raise Unusable(told, way_out, is_for_now=error.errno in FOR_NOW) from error


def real_path(home: Home) -> str:
    """Where it is, without links. Raises `Unusable`."""
    found, root = Path(os.path.realpath(home.workspace)), Path(os.path.realpath(home.root))
    is_inside = found.is_relative_to(root / "workspace")
    if root.is_relative_to(found) or (found.is_relative_to(root) and not is_inside):
        raise Unusable(f"the workspace leads to {found}, which holds Skep's own files", _INSTEAD)
    if found in _AROUND_THEM or any(found.is_relative_to(place) for place in _THE_SYSTEMS):
        raise Unusable(f"the workspace leads to {found}, which is the system's own", _INSTEAD)
    if found.is_dir() and not os.access(found, os.R_OK | os.X_OK):
        raise Unusable(f"the workspace leads to {found}, where you may not go", _INSTEAD)
    return str(found)


def _in_the_way(path: Path) -> Unusable:
    if path.is_symlink():
        told = f"{path} is a link to {path.readlink()}, where no directory is"
        return Unusable(told, "mount or bring back what holds it, or put a directory in its place")
    told = f"{path} is in the way: it is no directory"
    return Unusable(told, "move it away, and Skep makes the workspace anew")


def trouble(home: Home) -> Unusable | None:
    """Why no command can work there until somebody has done something; none where one can, or soon may."""
    try:
        make(home)
        real_path(home)
    except Unusable as error:
        return None if error.is_for_now else error
    return None

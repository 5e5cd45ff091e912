"""The way to a place that somebody named, where no stranger can lead it elsewhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from errors import InvalidSetting
from path_names import MOST_LOOKS

#: what to do where a home is another user's
ANOTHER: Final = "make a home of your own (skep init DIR), and name it with --home or SKEP_HOME"


class LedAway(InvalidSetting):
    """A way goes over what another user put into a folder for everybody.

    Parameters:
        told: what, without the way out.
    """

    def __init__(self, told: str, way_out: str) -> None:
        super().__init__(f"home: {told}; {way_out}", setting="home")
        self.told = told


def walk_to(path: Path) -> Path:
    """The absolute path behind all links; links in a circle are left as they stand.

    Raises `LedAway` where the way there goes through a folder that everybody can write, and there over
    a folder or link of another user, who may have put it there to lead anywhere. Raises `FileNotFoundError`
    where the current directory is needed and is gone.
    """
    here, links = Path("/"), 0
    left = _words(path.absolute())
    while left:
        if (word := left.pop()) == "..":
            here = here.parent
            continue
        step = here / word
        target = _step(step)
        if target is None or links >= MOST_LOOKS:
            here = step
        else:
            links += 1
            here = Path("/") if target.is_absolute() else here
            left += _words(target)
    return here


def _words(path: Path) -> list[str]:
    """The names of a path, the last first."""
    return [word for word in reversed(path.parts) if word != "/"]


def _step(step: Path) -> Path | None:
    """Where a link leads to; none for what is no link, or cannot be looked at. Raises `LedAway`."""
    try:
        info, above = step.lstat(), step.parent.stat()
    except OSError:
        return None
    if above.st_mode & stat.S_IWOTH and info.st_uid not in {0, os.geteuid()}:
        told = f"{step} belongs to another user (uid {info.st_uid}), and everybody can write {step.parent}"
        as_them = f"work there as that user (sudo -u '#{info.st_uid}' skep ...), or "
        raise LedAway(told, f"{as_them if os.geteuid() == 0 else ''}{ANOTHER}")
    return step.readlink() if stat.S_ISLNK(info.st_mode) else None

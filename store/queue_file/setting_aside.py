"""Takes out of a folder the file that was read there, and none that has come in its place since.

Between the look at a file and its removal a program may rename another over it. So it gets a name of its own
first, under which nobody changes places with it, and is looked at once more. What a crash leaves under such a
name goes back.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

from store.queue_file import plain_files

_PREFIX: Final = ".taken-"


def hold(path: Path, seen: plain_files.Signature | None) -> Path | None:
    """Where a file lies now, held, that was seen as `path`.

    None where it has gone, or is another, which then is back in its place. A name that leaves no room for the
    mark is kept. Raises `OSError` where it cannot be moved.
    """
    held = path.with_name(f"{_PREFIX}{path.name}")
    try:
        path.rename(held)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        held = path
    if plain_files.look_at(held) == seen:
        return held
    if held != path:
        give_back(held, path)
    return None


def give_back(held: Path, path: Path) -> None:
    """Let a file be seen again under its name, unless a third has come: then that took its place."""
    if held == path:
        return
    try:
        os.link(held, path, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError:  # a folder, or a file system without links
        if not os.path.lexists(path):
            with contextlib.suppress(OSError):
                held.rename(path)
    # A folder beside a file of its name cannot be removed, and stays.
    with contextlib.suppress(OSError):
        held.unlink()


def give_back_what_was_left(folder: Path) -> None:
    """Let be seen again what a crash left: what was taken in is known, what was refused is refused again."""
    for held in folder.glob(f"{_PREFIX}[!.]*"):  # no other was ever taken in
        give_back(held, held.with_name(held.name.removeprefix(_PREFIX)))

"""What stands where a rollback is to write a file: a folder in its place, or a file where its folder was.

Both may go in the same rollback, and then the file can be written; folders that hold nothing are in the way
of nobody. Anything else stays, and so the file is left as it is: what is shown beforehand says so already.
"""

from __future__ import annotations

import os
from collections.abc import Container
from contextlib import suppress

from review.checkpoints import workspace


def obstacle(root: int, path: bytes, going: Container[bytes]) -> str | None:
    """Why a file cannot be written once the paths that are `going` are gone; none where it can."""
    parts = path.split(b"/")
    for depth in range(1, len(parts) + 1):
        above = b"/".join(parts[:depth])
        try:
            with workspace.folder_of(root, above + b"/x"):
                continue
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            is_in_the_way = depth < len(parts) and above not in going
            return f"{os.fsdecode(above)} is no folder" if is_in_the_way else None
        except OSError as error:
            return error.strerror or "cannot be reached"
    stays = _stays(root, path, going)
    return None if stays is None else f"a folder is in its place, with {os.fsdecode(stays)}"


def clear(root: int, path: bytes) -> None:
    """Take away a folder in a file's place that holds nothing but empty folders. Raises `OSError`."""
    with workspace.folder_of(root, path + b"/x") as folder:
        below = [
            os.fsencode(entry.name) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)
        ]
    for name in below:
        clear(root, path + b"/" + name)
    with workspace.folder_of(root, path) as parent:
        os.rmdir(workspace.name_of(path), dir_fd=parent)


def clear_if_folder(root: int, path: bytes) -> None:
    """The same; nothing where no folder is there."""
    with suppress(FileNotFoundError, NotADirectoryError):
        clear(root, path)


def _stays(root: int, path: bytes, going: Container[bytes]) -> bytes | None:
    """The first thing in a folder that is neither an empty folder nor going."""
    with workspace.folder_of(root, path + b"/x") as folder:
        entries = [
            (os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in os.scandir(folder)
        ]
    for name, is_folder in entries:
        inner = path + b"/" + name
        stays = _stays(root, inner, going) if is_folder and name.lower() != b".git" else inner
        if stays is not None and stays not in going:
            return stays
    return None

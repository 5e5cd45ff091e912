"""The files of the workspace as they are, looked at without following anything that points elsewhere.

Whatever runs at the same time may put a link where a folder was. So every step down is taken from an open
folder (openat(2), ``O_NOFOLLOW``), and what is read is what was opened. A file whose figures are those of the
last look has not changed, as git's own index takes it; one that changed just before it was looked at is read
again the next time, for two changes within a tick of the clock bear one time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from path_names import real_path

#: Nanoseconds before a look within which a change may be followed by one that bears the same time.
RACY_NS: Final = 50_000_000
#: Folders in each other that are looked into.
MOST_DEPTH: Final = 100
#: Names that are kept in words where something is left out.
MOST_NAMED: Final = 5

FILE: Final = 0o100644
PROGRAM: Final = 0o100755
LINK: Final = 0o120000
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class TooMuch(Exception):
    """The workspace holds more than is kept; the words say what."""


class Moved(OSError):
    """What was there a moment ago is something else now."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What tells a file from the same one changed (stat(2))."""

    #: as git has it: a file, a program or a link
    mode: int
    size: int
    #: 0: to be read again whatever it says
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(slots=True)
class Look:
    """What one look at the workspace found."""

    files: dict[bytes, Figures] = field(default_factory=dict)
    #: what is not kept, and why, in words
    left_out: list[str] = field(default_factory=list)
    left_out_count: int = 0

    def leave_out(self, path: bytes, why: str) -> None:
        """Note something that is not kept."""
        self.left_out_count += 1
        if len(self.left_out) < MOST_NAMED:
            self.left_out.append(f"{os.fsdecode(path)!r} ({why})")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is kept at most."""

    #: files of a workspace
    files: int
    #: bytes of one file; a larger one is left out
    file_bytes: int
    #: bytes that one checkpoint may add
    bytes: int


@contextmanager
def opened(root: Path) -> Iterator[int]:
    """The workspace itself, open. It may be a link of the user's own; nothing that runs can change it."""
    handle = os.open(real_path(root), _FOLDER)
    try:
        yield handle
    finally:
        os.close(handle)


def look(root: int, now_ns: int, bounds: Bounds) -> Look:
    """Every file and link beneath an open folder, but for ``.git``. Raises `TooMuch`, `OSError`."""
    found = Look()
    _look_into(root, b"", 0, now_ns, bounds, found)
    return found


def _look_into(folder: int, prefix: bytes, depth: int, now_ns: int, bounds: Bounds, found: Look) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = os.fsencode(entry.name)
            path = prefix + name
            if name.lower() == b".git":
                continue
            if entry.is_dir(follow_symlinks=False):
                _look_below(folder, path, depth, now_ns, bounds, found)
                continue
            figures = _figures(entry, now_ns)
            if figures is None:
                found.leave_out(path, "neither a file nor a link")
            elif figures.size > bounds.file_bytes:
                found.leave_out(path, f"{figures.size:,} bytes, setting: checkpoint_file_bytes")
            else:
                found.files[path] = figures
                if len(found.files) > bounds.files:
                    most = f"{bounds.files:,} files (setting: checkpoint_files)"
                    raise TooMuch(f"the workspace has more than {most}")


def _look_below(parent: int, path: bytes, depth: int, now_ns: int, bounds: Bounds, found: Look) -> None:
    if depth >= MOST_DEPTH:
        found.leave_out(path, "too deep")
        return
    try:
        folder = os.open(name_of(path), _FOLDER, dir_fd=parent)
    except OSError as error:  # gone, a link by now, or closed to us
        found.leave_out(path, error.strerror or "cannot be opened")
        return
    try:
        _look_into(folder, path + b"/", depth + 1, now_ns, bounds, found)
    finally:
        os.close(folder)


def _figures(entry: os.DirEntry[str], now_ns: int) -> Figures | None:
    """The figures of a file or link; none for anything else, and for what has gone."""
    try:
        told = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    mode = git_mode(told.st_mode)
    if mode is None:
        return None
    is_racy = max(told.st_mtime_ns, told.st_ctime_ns) > now_ns - RACY_NS
    return Figures(mode, told.st_size, 0 if is_racy else told.st_mtime_ns, told.st_ctime_ns, told.st_ino)


def git_mode(mode: int) -> int | None:
    """The mode as git keeps it; none for what git does not keep."""
    return kept_mode(mode) if stat.S_ISLNK(mode) or stat.S_ISREG(mode) else None


def kept_mode(mode: int) -> int:
    """The same of what is a file or a link."""
    if stat.S_ISLNK(mode):
        return LINK
    return PROGRAM if mode & 0o100 else FILE


def changed(known: Mapping[bytes, Figures], found: Mapping[bytes, Figures]) -> list[bytes]:
    """Paths that are new or may have changed, in order."""
    return sorted(
        path for path, figures in found.items() if figures.mtime_ns == 0 or known.get(path) != figures
    )


def read(root: int, path: bytes, most: int) -> tuple[int, bytes]:
    """Git's mode and the content of a file or link. Raises `OSError`; `Moved` where it is neither."""
    mode, data = read_whole(root, path, most)
    return kept_mode(mode), data


def read_whole(root: int, path: bytes, most: int) -> tuple[int, bytes]:
    """The kind and every permission (``st_mode``) of a file or link, and its content; raises as `read`."""
    with folder_of(root, path) as folder:
        name = name_of(path)
        told = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(told.st_mode):
            return told.st_mode, os.readlink(name, dir_fd=folder)
        handle = os.open(name, _READ, dir_fd=folder)
        with os.fdopen(handle, "rb") as file:
            mode = os.fstat(handle).st_mode
            data = file.read(most + 1) if stat.S_ISREG(mode) else b""
    if not stat.S_ISREG(mode) or len(data) > most:
        raise Moved(0, "is no plain file of that size any more", os.fsdecode(path))
    return mode, data


def name_of(path: bytes) -> bytes:
    """The last name of a path."""
    return path.rpartition(b"/")[2]


@contextmanager
def folder_of(root: int, path: bytes, *, make: bool = False) -> Iterator[int]:
    """The folder that a path lies in, opened step by step; with `make`, missing ones are made."""
    folder = os.dup(root)
    try:
        for name in path.split(b"/")[:-1]:
            if name in {b"", b".", b".."} or name.lower() == b".git":
                raise Moved(0, "is no path of the workspace", os.fsdecode(path))
            if make:
                with suppress(FileExistsError):  # whoever may look into it may look into the one above
                    os.mkdir(name, os.fstat(folder).st_mode & 0o777 | 0o700, dir_fd=folder)
            below = os.open(name, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        yield folder
    finally:
        os.close(folder)

"""The files of a copy: their names, how they are opened, and where one is put that is of no use."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import host_platform
from errors import StoreReadOnly

_DIGITS: Final = 12  # of a row's number in a file's name, so that names sort
_COPY_BYTES: Final = 1024 * 1024
#: bytes after which a line without an end is taken as it is; no row comes near
LONGEST_LINE: Final = 256 * 1024 * 1024


@dataclass(frozen=True, order=True, slots=True)
class Rotated:
    """A file that is full, and the rows it holds by its name."""

    first: int
    last: int
    path: Path


class LogFiles:
    """The current file, such as ``execution_log.jsonl``, and the ones before it."""

    def __init__(self, current: Path) -> None:
        self.current = current
        self._name = re.compile(rf"{re.escape(current.stem)}\.(\d{{{_DIGITS},}})-(\d{{{_DIGITS},}})\.jsonl")

    def rotated(self) -> list[Rotated]:
        """The full files, oldest first."""
        matches = ((path, self._name.fullmatch(path.name)) for path in self.current.parent.iterdir())
        return sorted(Rotated(int(match[1]), int(match[2]), path) for path, match in matches if match)

    def name_for(self, first: int, last: int) -> Path:
        """The name of a full file."""
        return self.current.with_name(f"{self.current.stem}.{first:0{_DIGITS}}-{last:0{_DIGITS}}.jsonl")

    def set_aside(self, path: Path, why: str) -> Path:
        """Move a file out of the way; its new name."""
        target = self._free_name(why, ".jsonl")
        path.rename(target)
        host_platform.fsync_directory(target.parent)
        return target

    def keep_tail(self, handle: int, start: int) -> Path:
        """Copy what stands after `start` into a file of its own; its name."""
        target = self._free_name("torn", "")
        copy = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            while block := os.pread(handle, _COPY_BYTES, start):
                start += len(block)
                while block:
                    block = block[os.write(copy, block) :]
            os.fsync(copy)
        except OSError:
            target.unlink()
            raise
        finally:
            os.close(copy)
        host_platform.fsync_directory(target.parent)
        return target

    def _free_name(self, why: str, ending: str) -> Path:
        number = 1
        while os.path.lexists(path := self.current.with_name(f"{self.current.stem}.{why}-{number}{ending}")):
            number += 1
        return path


def open_to_append(path: Path, *, new: bool) -> int:
    """A handle on the current file that only adds to it. Raises `StoreReadOnly` where it is no plain file."""
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    return _open(path, flags | (os.O_CREAT | os.O_EXCL if new else 0))


def open_to_read(path: Path) -> BinaryIO:
    """A file of the copy, to be read. Raises `StoreReadOnly` where it is no plain file."""
    return os.fdopen(_open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb")


def _open(path: Path, flags: int) -> int:
    refusal = f"{path} is not a plain file. Move it away; Skep then writes it anew."
    try:
        handle = os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EISDIR, errno.ENXIO}:
            raise StoreReadOnly(refusal) from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise StoreReadOnly(refusal)
    return handle


def lines_of(handle: BinaryIO) -> Iterator[bytes]:
    """The lines from where the handle stands, each with its newline; the last may lack it."""
    while raw := handle.readline(LONGEST_LINE):
        yield raw

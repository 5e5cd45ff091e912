"""Reading a copy's files in order while a daemon may add to the last of them, or rename it, at any moment.

Files are told apart by inode. The current one is looked at before the full ones are listed, so that a file
which is renamed in between is met under one name or the other; and once it has been renamed nothing is added
to it, so what it holds then is all.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from store.chained_log.files import LogFiles, Rotated, lines_of, open_to_read


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file of a copy, open."""

    path: Path
    #: the rows it holds by its name; none for the current file
    rotated: Rotated | None
    handle: BinaryIO

    def size(self) -> int:
        """Bytes it holds now."""
        return os.fstat(self.handle.fileno()).st_size


class LogWalk:
    """One walk through every file there is, each once, oldest first."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files
        self._seen: list[os.stat_result] = []
        self._at_the_end = False

    def files(self) -> Iterator[OpenFile]:
        """Every file; the lines of each must be read before the next is asked for."""
        while not self._at_the_end and (found := self._next()) is not None:
            path, rotated, status = found
            with contextlib.suppress(FileNotFoundError), open_to_read(path) as handle:
                # A name may stand for another file by now: then look again.
                if os.path.samestat(os.fstat(handle.fileno()), status):
                    self._seen.append(status)
                    yield OpenFile(path, rotated, handle)

    def lines(self, file: OpenFile) -> Iterator[bytes]:
        """The lines of a file; the last of the current one may lack its end."""
        yield from lines_of(file.handle)
        if file.rotated is None:
            status = _status(self._files.current)
            self._at_the_end = status is not None and os.path.samestat(status, os.fstat(file.handle.fileno()))
            if not self._at_the_end:
                yield from lines_of(file.handle)

    def stop(self) -> None:
        """Give no further file."""
        self._at_the_end = True

    def total(self) -> int:
        """Bytes of all files there are."""
        paths = [*(each.path for each in self._files.rotated()), self._files.current]
        return sum(status.st_size for path in paths if (status := _status(path)))

    def _next(self) -> tuple[Path, Rotated | None, os.stat_result] | None:
        current = _status(self._files.current)
        for rotated in self._files.rotated():
            status = _status(rotated.path)
            if status is not None and self._is_new(status):
                return rotated.path, rotated, status
        if current is not None and self._is_new(current):
            return self._files.current, None, current
        return None

    def _is_new(self, status: os.stat_result) -> bool:
        return not any(os.path.samestat(status, seen) for seen in self._seen)


def _status(path: Path) -> os.stat_result | None:
    with contextlib.suppress(FileNotFoundError):
        return path.lstat()
    return None

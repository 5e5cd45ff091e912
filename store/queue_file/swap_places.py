"""Where the files of an exchange lie: in the home, or beside the queue file where that is on another mount.

Names say where a file is in that way, so that a crash leaves no riddle: ``writing`` is ours and unfinished,
``swap`` is ours or just came out, ``out-N-I-T-H`` came out with content H, being file I, written at T.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import host_platform
from store.queue_file import plain_files
from store.queue_file.plain_files import Signature

_STEM: Final = "queue.json."
#: in a name, for a content that is to be looked at
NOT_KNOWN: Final = "0" * 64
#: bytes of a queue file's name that begin the names beside it; file systems allow 255 in all
_MOST_OF_NAME: Final = 96
#: inode, time in nanoseconds and hash; an earlier version told only the hash
_TOLD_IN_NAME: Final = re.compile(r"(?:(\d+)-(-?\d+)-)?([^-]*)$")


class SwapPlaces:
    """Where the files of the exchanges with one queue file lie.

    Parameters:
        folder: from here a file can be exchanged with the queue file.
        exchanged: here old files lie, by themselves where that can be: what is written there is told of.
        stem: begins their names.
    """

    def __init__(self, folder: Path, exchanged: Path, stem: str) -> None:
        self.folder = folder
        self.exchanged = exchanged
        self.writing = folder / f"{stem}writing"
        self.swap = folder / f"{stem}swap"
        self._out = f"{stem}out-"

    @classmethod
    def in_home(cls, state: Path) -> SwapPlaces:
        """The places in the home, by its state folder."""
        return cls(state, state / "exchanged", _STEM)

    @classmethod
    def beside(cls, target: Path) -> SwapPlaces:
        """The places beside a queue file."""
        return cls(target.parent, target.parent, f".{_short(target.name)}.skep-")

    def make_room(self) -> Path:
        """The folder of old files, made in the home where it is missing; the other where that cannot be.

        A folder on another mount is a person's, and is not made again when it is taken away.
        """
        if self.exchanged == self.folder:
            return self.folder
        with contextlib.suppress(OSError):  # something else stands there
            self.exchanged.mkdir(mode=0o700, exist_ok=True)
        is_ours = self.exchanged.is_dir() and not self.exchanged.is_symlink()
        return self.exchanged if is_ours else self.folder

    def out(self, revision: int, digest: str, signature: Signature) -> Path:
        """The place of the old file that `revision` replaced; `digest` is what it held then."""
        written = f"{signature.inode}-{signature.mtime_ns}"
        return self.make_room() / f"{self._out}{revision}-{written}-{digest}"

    def left_over(self) -> list[tuple[Path, str, str | None]]:
        """Old files that a process which is gone was still watching.

        With each, hash and mark (`Signature.mark`; none: not known) of what it held when it came out.
        """
        folders = dict.fromkeys(
            (self.exchanged, self.folder)
        )  # an earlier version left them beside the others
        found = sorted(path for where in folders for path in where.glob(f"{glob.escape(self._out)}*"))
        return [(path, *_told_by(path.name)) for path in found]

    def set_aside(
        self, known: Sequence[Mapping[str, str | None]], note_save: Callable[[], None]
    ) -> tuple[Path, str, str]:
        """Let what lies half exchanged, ours or a save of that instant, be an old file: as in `left_over`.

        `known`: as any of these tells, hashes of what need not be taken in, each with the mark of the very
        saving that is known (none: of any); `NOT_KNOWN` is told of another, and `note_save` called before it
        is moved. Raises `FileNotFoundError` where nothing lies there.
        """
        signature = Signature.of(self.swap.lstat())
        digest = plain_files.hash_file(self.swap) or NOT_KNOWN
        if not any(plain_files.has_saving(each, digest, signature.mark) for each in known):
            digest = NOT_KNOWN
            note_save()
        path = self.swap.replace(self.out(time.time_ns(), digest, signature))
        return path, digest, signature.mark

    def can_be_reached(self, home: SwapPlaces) -> bool:
        """Whether these places beside a file are there, on a mount that is not the home's."""
        try:
            return not host_platform.is_one_mount(self.folder, home.folder)
        except OSError:
            return False


def _short(name: str) -> str:
    """A name for a name, that leaves room for what is told after it."""
    told = os.fsencode(name)
    return name if len(told) <= _MOST_OF_NAME else hashlib.sha256(told).hexdigest()


def _told_by(name: str) -> tuple[str, str | None]:
    """Hash and mark that the name of an old file tells."""
    found = _TOLD_IN_NAME.search(name)
    inode, written, digest = found.groups() if found else (None, None, NOT_KNOWN)
    return digest, None if inode is None else f"{inode}:{written}"

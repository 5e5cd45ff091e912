"""Puts the statistics into the files of identities without losing a letter that a person writes meanwhile.

The new text and the old one change places in one step, so whatever stood there, a save of the same instant
included, is in our hands afterwards. It is kept beside the file for some seconds, under a name made of the
digests of both texts (``.ID.toml.swap-OLD-NEW``): an editor that held the old file open may still write into
it, and a crash in between leaves no riddle. A text that is neither of the two is a person's, and goes back.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import stat
from pathlib import Path
from typing import Final

import host_platform
from enrichment.identity import MOST_BYTES, Unreadable
from enrichment.statistics import Statistics
from enrichment.statistics_lines import Unwritable, has_statistics, with_statistics
from errors import InvalidFile
from runtime_contract import Limits
from store.queue_file import plain_files, swap
from store.queue_file.plain_files import Content

#: Seconds that a file must have been left alone before it is written.
QUIET_S: Final = 2.0
#: of a digest, in a file's name
_DIGITS: Final = 16
_HELD: Final = re.compile(rf"\.(.+)\.toml\.swap-[0-9a-f]{{{_DIGITS}}}-[0-9a-f]{{{_DIGITS}}}")


def held_in(folder: Path) -> set[str]:
    """The ids of the identities in a folder whose old texts are still kept beside them."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as found:
        return {held[1] for each in found if (held := _HELD.fullmatch(each.name))}
    return set()


class StatisticsFile:
    """One identity's file as far as its statistics go.

    Parameters:
        path: the file.
        kept: where a text goes that a person saved over one that came after it.
    """

    def __init__(self, path: Path, kept: Path) -> None:
        self._path = path
        self._kept = kept
        self._swap = f".{path.name}.swap-"

    def is_shown(self, statistics: Statistics, now: float) -> bool:
        """Whether the file shows them. Where not, it is written if it may be now, and to be looked at again.

        `now` is wall time in seconds.
        Raises `Unwritable` with the way out, `OSError`.
        """
        try:
            content = plain_files.read(self._path, Limits())
            written = _written(content.data, statistics)
        except InvalidFile as error:
            raise Unwritable(error.message) from None
        except (UnicodeDecodeError, Unreadable):
            return False  # it was saved with a mistake just now, and whoever reads it tells of that
        if written == content.data:
            return True
        self._check(len(written))
        was_quiet_s = abs(now - content.signature.mtime_ns / 1e9)
        if was_quiet_s >= QUIET_S and not swap.is_being_edited(self._path, now) and not self._swaps():
            self._put(written, content)
        return False

    def settle(self) -> None:
        """Look at what was swapped out for the last time. Raises `Unwritable`, `OSError`."""
        for path in self._swaps():
            self._settle(path, set(path.name.removeprefix(self._swap).split("-")))

    def _check(self, size: int) -> None:
        found = self._path.lstat()
        if not found.st_mode & stat.S_IWUSR:
            raise Unwritable("it is read-only: its statistics are not kept up, unless you chmod u+w it")
        if found.st_nlink > 1:
            raise Unwritable("it has a second name (a hard link), which would be cut off; copy it instead")
        if size > MOST_BYTES:
            raise Unwritable(f"with its statistics it would be longer than {MOST_BYTES:,} bytes; shorten it")

    def _swaps(self) -> list[Path]:
        found = self._path.parent.glob(f"{glob.escape(self._swap)}*")
        return sorted(path for path in found if _HELD.fullmatch(path.name))

    # -- the exchange --------------------------------------------------------------------------------------

    def _put(self, written: bytes, old: Content) -> None:
        digests = old.digest[:_DIGITS], hashlib.sha256(written).hexdigest()[:_DIGITS]
        fresh = self._path.with_name(f".{self._path.name}.writing")
        _write(fresh, written, self._path)
        aside = self._path.with_name(f"{self._swap}{'-'.join(digests)}")
        fresh.rename(aside)
        try:
            host_platform.exchange_files(aside, self._path)
        except OSError as error:
            aside.unlink()
            if isinstance(error, host_platform.ExchangeUnsupported):
                raise Unwritable("this file system cannot exchange two files in one step") from None
            raise
        host_platform.fsync_directory(self._path.parent)
        if _digest(aside) != digests[0]:
            self._settle(aside, set(digests))

    def _settle(self, aside: Path, known: set[str]) -> None:
        """Let a file go that holds a known text; any other goes back into its place."""
        found = _digest(aside)
        if found not in known and _digest(self._path) in known:
            host_platform.exchange_files(aside, self._path)
            host_platform.fsync_directory(self._path.parent)
            found = _digest(aside)
        if found in known:
            aside.unlink()
        else:
            self._keep(aside)

    def _keep(self, aside: Path) -> None:
        """A text that was saved while another one was: neither is thrown away."""
        with contextlib.suppress(InvalidFile):
            text = plain_files.read(aside, Limits()).data.decode("utf-8", "surrogateescape")
            name = f"identity-{self._path.stem}-{_digest(aside)}.toml"
            kept = plain_files.keep_aside(self._kept, name, text)
            aside.unlink()
            raise Unwritable(f"two texts were saved at once; the other one was kept in {kept}")
        raise Unwritable(f"{aside.name} beside it is not a file that can be read; look at it and remove it")


def _written(data: bytes, statistics: Statistics) -> bytes:
    """The file's bytes with the statistics; the same where there are none and never were any."""
    text = data.decode("utf-8")
    if statistics == Statistics(statistics.identity) and not has_statistics(text):
        return data
    return with_statistics(text, statistics).encode()


def _digest(path: Path) -> str | None:
    digest = plain_files.hash_file(path)
    return None if digest is None else digest[:_DIGITS]


def _write(path: Path, data: bytes, like: Path) -> None:
    handle = swap.create(path, like)
    with open(handle, "wb") as file:  # noqa: PTH123  a descriptor
        file.write(data)
        file.flush()
        os.fsync(handle)

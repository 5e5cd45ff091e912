"""The identities of a home, as their files stand now: looked at when needed, read again when changed.

The files are a person's, and whatever stands in their place is met with suspicion: no link is followed, no
pipe waited for, nothing longer than a file of its kind is read. A bad file costs only itself.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from enrichment.identity import MOST_BYTES, Identity, Unreadable, read_identity
from runtime_contract import ID_PATTERN

#: Files of a folder that are looked at.
MOST_FILES: Final = 1000
_SUFFIX: Final = ".toml"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """An identity, or why there is none."""

    id: str
    identity: Identity | None = None
    #: what is wrong with its file, and the way out
    fault: str | None = None

    @property
    def file(self) -> str:
        """The file's name, relative to the home."""
        return f".swarm/identities/{self.id}{_SUFFIX}"


class Roster:
    """Reads the identities in a folder. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: id -> what its file was when it was read, and what was read
        self._known: dict[str, tuple[tuple[int, ...], Entry]] = {}

    def get(self, identity: str) -> Entry:
        """The identity of that id. A home without a folder of identities keeps none: each is only a name."""
        if not ID_PATTERN.fullmatch(identity):
            return Entry(identity, fault=f"the id of an identity must match {ID_PATTERN.pattern}")
        try:
            folder = os.open(self.folder, _FOLDER)
        except FileNotFoundError:
            return Entry(identity, Identity())
        except OSError as error:
            return Entry(identity, fault=_strange(error))
        try:
            return self._read(folder, identity)
        finally:
            os.close(folder)

    def all(self) -> list[Entry]:
        """Every identity that has a file, by id."""
        try:
            with os.scandir(self.folder) as found:
                names = sorted(each.name for each in found)
        except OSError:
            return []
        ids = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX) and name[0] != "."]
        return [self.get(each) for each in ids[:MOST_FILES]]

    def _read(self, folder: int, identity: str) -> Entry:
        try:
            handle = os.open(f"{identity}{_SUFFIX}", _READ, dir_fd=folder)
        except FileNotFoundError:
            return Entry(identity, fault=f"it does not exist; `skep identities add {identity}` makes it")
        except OSError as error:
            return Entry(identity, fault=_strange(error))
        try:
            found = os.fstat(handle)
            mark = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            known = self._known.get(identity)
            if known is None or known[0] != mark:
                known = mark, _entry(identity, found, handle)
                self._known[identity] = known
            return known[1]
        except OSError as error:
            return Entry(identity, fault=_strange(error))
        finally:
            os.close(handle)


def _entry(identity: str, found: os.stat_result, handle: int) -> Entry:
    if not stat.S_ISREG(found.st_mode):
        return Entry(identity, fault="it is no plain file")
    raw = os.read(handle, MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        return Entry(identity, fault=f"it is longer than {MOST_BYTES:,} bytes")
    try:
        return Entry(identity, read_identity(raw.decode("utf-8")))
    except UnicodeDecodeError:
        return Entry(identity, fault="it is not UTF-8")
    except Unreadable as error:
        return Entry(identity, fault=str(error))


def _strange(error: OSError) -> str:
    return f"it cannot be read: {error.strerror}; it must be a plain file in a plain folder, and no link"

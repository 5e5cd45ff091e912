"""Files of the inbox that cannot be read yet: a program may be writing them where they lie.

A look comes as soon as a file is made, so between its opening and the writing it is empty. Such a file is
passed over for a moment, while the others are taken in, and is read again when it changed or its time is
over.
"""

from __future__ import annotations

import stat
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

import host_platform
from store.queue_file import plain_files

#: Seconds that a file which cannot be read gets after its last change.
SETTLE_S: Final = 1.0
#: Seconds that it gets while somebody has it open for writing: a handle may also be forgotten.
OPEN_S: Final = 60.0
#: Seconds between looks at what is waited for, where nothing tells of a change.
LOOK_S: Final = 0.5


class HalfWritten:
    """What is waited for in one folder. For one thread."""

    def __init__(self, settle_s: float = SETTLE_S) -> None:
        self._settle_s = settle_s
        #: by its name, as it was when it was read
        self._read: dict[str, plain_files.Signature] = {}

    @property
    def look_again_s(self) -> float | None:
        """Seconds after which to look again; none where nothing is waited for."""
        return LOOK_S if self._read else None

    def may_become_whole(self, path: Path, seen: plain_files.Signature | None) -> bool:
        """Whether to wait for a file that could not be read, as which `seen` was read."""
        if seen is None or not self._is_written_to(path, seen):
            return False
        self._read[path.name] = seen
        return True

    def is_waited_for(self, path: Path) -> bool:
        """Whether it is still what could not be read, and may change yet."""
        seen = self._read.get(path.name)
        return seen is not None and plain_files.look_at(path) == seen and self._is_written_to(path, seen)

    def keep(self, names: Collection[str]) -> None:
        """Forget every file but these."""
        self._read = {name: self._read[name] for name in names if name in self._read}

    def _is_written_to(self, path: Path, seen: plain_files.Signature) -> bool:
        if not stat.S_ISREG(seen.mode):
            return False
        age = abs(time.time_ns() - seen.mtime_ns) / 1e9
        return age < self._settle_s or (age < OPEN_S and host_platform.is_open_for_writing(path))

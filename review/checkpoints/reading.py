"""What of the workspace really changed: read once, and held against what the last checkpoint knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from review.checkpoints import workspace
from review.checkpoints.repository import Kept, blob_id
from review.checkpoints.workspace import Bounds, Figures, Look


class Known(NamedTuple):
    """A file as a checkpoint has it."""

    figures: Figures
    #: git's id of its content
    blob: str


class Reading:
    """Reads what may have changed, each file once, and tells what really has."""

    def __init__(self, root: int, bounds: Bounds, known: Mapping[bytes, Known], found: Look) -> None:
        self._root = root
        self._bounds = bounds
        self._known = known
        self._found = found
        #: what was read, with what is known of it from now on
        self.read: dict[bytes, Known] = {}
        #: files that have changed
        self.count = 0

    def changed(self) -> Iterator[Kept]:
        """The files to give to git. One that vanishes meanwhile is seen the next time. Raises `TooMuch`."""
        figures = {path: each.figures for path, each in self._known.items()}
        total = 0
        for path in workspace.changed(figures, self._found.files):
            try:
                mode, content = workspace.read(self._root, path, self._bounds.file_bytes)
            except OSError as error:
                self._found.leave_out(path, error.strerror or "cannot be read")
                continue
            self.read[path] = Known(replace(self._found.files[path], mode=mode), blob_id(content))
            if _is_same(self._known.get(path), self.read[path]):
                continue
            self.count += 1
            total += len(content)
            if total > self._bounds.bytes:
                most = f"{self._bounds.bytes:,} bytes (setting: checkpoint_bytes)"
                raise workspace.TooMuch(f"more than {most} changed in the workspace")
            yield path, mode, content


def _is_same(old: Known | None, new: Known) -> bool:
    return old is not None and (old.blob, old.figures.mode) == (new.blob, new.figures.mode)


def known_of(columns: tuple[Any, ...]) -> Known:
    """The file that the store's columns tell of."""
    *figures, blob = columns
    return Known(Figures(*figures), blob)


def columns_of(each: Known) -> tuple[int, int, int, int, int, str]:
    """The same as the store keeps it."""
    told = each.figures
    return told.mode, told.size, told.mtime_ns, told.ctime_ns, told.inode, each.blob

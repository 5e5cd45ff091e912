"""Tells whether files that rules were read from are still those, by their figures (stat(2)), unread."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Signature = tuple[tuple[int, int, int], ...]


def signature_of(root: Path, names: Iterable[str]) -> Signature:
    """What changes when one of the files beneath `root` does, comes or goes."""
    return tuple(_mark(root / name) for name in names)


def changed_since(root: Path, names: Iterable[str], moment: float) -> list[str]:
    """Files that were written after a moment, Unix seconds."""
    return [name for name in names if (_mark(root / name)[1] / 1e9) > moment]


def _mark(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size

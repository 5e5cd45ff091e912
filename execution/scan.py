"""A look over the workspace for a plan: which text files there are, how long, and how they begin."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOST_FILES: Final = 120
#: bytes of a file that are read
FILE_BYTES: Final = 256 * 1024
#: lines of a file that are shown, and characters of a line
SHOWN_LINES: Final = 12
SHOWN_CHARS: Final = 160
#: directories below the workspace that are entered
MOST_DEPTH: Final = 16
SKIPPED: Final = frozenset({".git", ".venv", "venv", "__pycache__", "node_modules"})


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """One text file."""

    #: relative to the workspace
    path: str
    lines: int
    #: its first lines
    head: list[str]


def scan(workspace: Path) -> list[ScannedFile]:
    """The first text files of a workspace by name; no links are followed, what is hidden is skipped."""
    found: list[ScannedFile] = []
    for path in _walk(workspace, 0):
        scanned = _scan_file(path, workspace)
        if scanned is not None:
            found.append(scanned)
        if len(found) >= MOST_FILES:
            break
    return found


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in SKIPPED:
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth < MOST_DEPTH:
                yield from _walk(Path(entry.path), depth + 1)
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _scan_file(path: Path, workspace: Path) -> ScannedFile | None:
    data = _read(path)
    if data is None or b"\0" in data:
        return None
    lines = data.decode("utf-8", "replace").splitlines()
    head = [line[:SHOWN_CHARS] for line in lines[:SHOWN_LINES]]
    name = str(path.relative_to(workspace)).encode("utf-8", "replace").decode()
    return ScannedFile(name, len(lines), head)


def _read(path: Path) -> bytes | None:
    """The beginning of a plain file; none for anything else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        is_plain = stat.S_ISREG(os.fstat(handle).st_mode)
        return file.read(FILE_BYTES) if is_plain else None

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
class TextFile:
    """The beginning of one text file."""

    #: relative to where it was looked for
    path: str
    text: str


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
    return [_scan_file(file) for file in read_texts(workspace)]


def read_texts(folder: Path) -> list[TextFile]:
    """The beginnings of the first text files under a folder by name, as `scan` finds them."""
    found: list[TextFile] = []
    for path in _walk(folder, 0):
        text = _text_of(path)
        if text is not None:
            name = str(path.relative_to(folder)).encode("utf-8", "replace").decode()
            found.append(TextFile(name, text))
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


def _scan_file(file: TextFile) -> ScannedFile:
    lines = file.text.splitlines()
    return ScannedFile(file.path, len(lines), [line[:SHOWN_CHARS] for line in lines[:SHOWN_LINES]])


def _text_of(path: Path) -> str | None:
    """The text of a file; none where it is no text."""
    data = _read(path)
    return None if data is None or b"\0" in data else data.decode("utf-8", "replace")


def _read(path: Path) -> bytes | None:
    """The beginning of a plain file; none for anything else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        is_plain = stat.S_ISREG(os.fstat(handle).st_mode)
        return file.read(FILE_BYTES) if is_plain else None

"""Why a supervised process could not go on, in its own words, for the supervisor that starts it again.

An exit code says that something is wrong; only the process knows what, and which setting mends it. The words
are a private file: the process may have died because of the store or of the settings it takes to open it.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Final

from errors import StoreError
from redaction import clean
from settings import Home
from store import private_files

#: Characters that are kept; one may take twelve bytes, and a private file has at most 4096.
MOST_CHARS: Final = 330


def leave(home: Home, name: str, words: str) -> None:
    """Leave the words of the process of this name; a disk that takes none leaves none."""
    with contextlib.suppress(OSError):
        private_files.write(_path(home, name), json.dumps(clean(words)[:MOST_CHARS]))


def take(home: Home, name: str) -> str | None:
    """The words it left, once; none where it left none."""
    path = _path(home, name)
    try:
        words = json.loads(private_files.read(path))
    except (OSError, StoreError, ValueError):
        words = None
    with contextlib.suppress(OSError):
        path.unlink()
    return words if isinstance(words, str) else None


def _path(home: Home, name: str) -> Path:
    return home.state / f"{name}.last_words"

"""An empty database for homes of tests: made once a process, then copied, since its making takes a while."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from settings import Home, Settings
from store import database
from store.sqlite_store import SqliteStore


def put_database(home: Home) -> Home:
    """Give a home that has none the empty database that its first opening would make; the home."""
    if not home.database.exists():
        database.prepare_state_directory(home.state)
        home.database.touch(mode=0o600)
        home.database.write_bytes(_empty())
    return home


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as root:
        home = Home(Path(root))
        SqliteStore(home, Settings()).close()
        return home.database.read_bytes()

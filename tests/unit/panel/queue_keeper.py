"""The leader's hand on the queue file, and a person who saves it: what the panel shows of both is tested."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from settings import Home
from store.queue_file import QueueFileKeeper
from store.reading import Reader
from store.sqlite_store import SqliteStore


@contextlib.contextmanager
def keeping(home: Home, store: SqliteStore) -> Iterator[QueueFileKeeper]:
    """What takes in the queue file of a home and writes it."""
    opened: list[Reader] = []

    def open_reader() -> Reader:
        opened.append(Reader(home.database, store.reader._limits, store.clock))
        return opened[-1]

    yield QueueFileKeeper(home, store.settings, store.writer, open_reader, store.clock)
    for each in opened:
        each.close()


def save(home: Home, text: str, keeper: QueueFileKeeper) -> None:
    """A person saves the file, and the leader looks."""
    fresh = home.root / "fresh"
    fresh.write_text(text, "utf-8")
    fresh.replace(home.queue_file)
    keeper.look()

"""What copies of the queue file said last of a task, so that only what is new in a save counts.

An editor that stays open says everything again with each save: also what was taken in long ago, and undone by
somebody since. Copies of one revision count as one; what was saved last is what they say.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from store.queue_file.entries import FileEntry
from store.queue_file.rendering import hash_entry
from store.transaction import Transaction, dump

_GONE: Final = b""


class Said:
    """What copies of one revision said before; of copies of no revision nothing is known.

    A task that is not in it was said to be as the revision showed it.
    """

    def __init__(self, tx: Transaction, revision: int | None) -> None:
        self._tx = tx
        self._revision = revision
        rows = () if revision is None else tx.all("said_at", revision=revision)
        self._before: dict[str, tuple[int, bytes]] = {row["id"]: (row["task"], row["hash"]) for row in rows}

    def has(self, entry: FileEntry) -> bool:
        """Whether this very entry was said."""
        _, digest = self._before.get(entry.id, (0, None))
        return digest == _hash(entry)

    def was_gone(self, task_id: str) -> bool:
        """Whether the task had been taken out."""
        _, digest = self._before.get(task_id, (0, None))
        return digest == _GONE

    def keep(self, seq: int, entry: FileEntry) -> None:
        """A copy says this now."""
        self._put(seq, _hash(entry))

    def keep_gone(self, seq: int) -> None:
        """The task was taken out of a copy."""
        self._put(seq, _GONE)

    def forget(self, task_ids: Collection[str]) -> None:
        """A copy says of these what the revision showed, or what is shown now."""
        for task_id in self._before.keys() & task_ids:
            self._tx.run("delete_said", revision=self._revision, task=self._before[task_id][0])

    def _put(self, seq: int, digest: bytes) -> None:
        if self._revision is not None:
            self._tx.run("put_said", revision=self._revision, task=seq, hash=digest)


def _hash(entry: FileEntry) -> bytes:
    return hash_entry(f"{entry.section}:{dump(entry.raw)}")

"""What copies of the queue file said last of a task, so that only what is new in a save counts.

An editor that stays open says everything again with each save: also what was taken in long ago, and undone by
somebody since. Copies of one revision count as one; what was saved last is what they say. Words that were not
taken, being refused or in conflict, are not among it: they count once nothing is in their way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from runtime_contract import MACHINE_KEYS
from store.queue_file.entries import Section
from store.queue_file.wishes import Action, Conflict, Document, Edit, Refuse, Wish, Words
from store.transaction import Transaction, dump


class _Row(NamedTuple):
    seq: int
    #: none: it was taken out
    words: Words | None


class Said:
    """What copies of one revision said before; of copies of no revision nothing is known.

    A task that is not in it was said to be as the revision showed it.
    """

    def __init__(self, tx: Transaction, revision: int | None) -> None:
        self._tx = tx
        self._revision = revision
        rows = () if revision is None else tx.all("said_at", revision=revision)
        self._before = {row["id"]: _Row(row["task"], _words(row)) for row in rows}

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._before

    def words(self, task_id: str) -> Words | None:
        """What was said of a task; none where it was as shown, or had been taken out."""
        row = self._before.get(task_id)
        return None if row is None else row.words

    def has(self, task_id: str, section: Section, entry: Document) -> bool:
        """Whether this very entry was said."""
        words = self.words(task_id)
        return words is not None and words.section == section and dump(words.entry) == dump(entry)

    def was_gone(self, task_id: str) -> bool:
        """Whether the task had been taken out."""
        row = self._before.get(task_id)
        return row is not None and row.words is None

    def keep(self, seq: int, words: Words) -> None:
        """A copy says this now."""
        self._put(seq, words.section, dump(words.entry))

    def keep_gone(self, seq: int) -> None:
        """The task was taken out of a copy."""
        self._put(seq, None, "")

    def forget(self, task_id: str) -> None:
        """A copy says of a task what the revision showed."""
        row = self._before.get(task_id)
        if row is not None:
            self._tx.run("delete_said", revision=self._revision, task=row.seq)

    def _put(self, seq: int, section: Section | None, entry: str) -> None:
        if self._revision is not None:
            self._tx.run("put_said", revision=self._revision, task=seq, section=section, entry=entry)


def _words(row: Any) -> Words | None:
    return None if row["section"] is None else Words(row["section"], json.loads(row["entry"]))


def taken_of(wish: Wish, actions: Sequence[Action], shown: Words, *, has_same_status: bool) -> Words | None:
    """What of an entry was said for good: its status, and its fields but for those that were not taken.

    None: nothing; it was refused as a whole, and nothing was said before. Else that stands then, but for a
    status that the entry no longer wants (`has_same_status`): it is news when it is said again.

    A status that was refused is told of and over. A field that was, or is in conflict, stays as it was said
    before, so that it counts once nothing is in its way. One that is as it was shown, and refused for that,
    was said as well: another copy may have it so, too. `shown` is what the file's revision showed, as far as
    nothing was said before.
    """
    if any(isinstance(each, Refuse) and each.is_whole for each in actions):
        if wish.before is None or has_same_status:
            return wish.before
        return Words(shown.section, _with(wish.before.entry, shown.entry, {"status"}))
    before = (wish.before or shown).entry
    left = {key for each in actions if isinstance(each, Conflict) for key in each.fields}
    is_refused = any(isinstance(each, Refuse) and each.keep_text for each in actions)
    if is_refused and not any(isinstance(each, Edit) for each in actions):
        left = (wish.entry.keys() | before.keys()) - MACHINE_KEYS - {"id"}
    return Words(wish.section, _with(wish.entry, before, left))


def _with(entry: Document, other: Document, keys: set[str]) -> Document:
    """An entry with these members as another has them."""
    found = {key: value for key, value in entry.items() if key not in keys}
    return found | {key: other[key] for key in keys if key in other}

"""What the store remembers of the queue file's contents, by hash: ours, taken in, refused."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from errors import InvalidFile
from store import obstacles
from store.queue_file.plain_files import Content
from store.queue_file.taking_in import GENERATIONS, MARKS, OLD_TAKEN, REVISION, TAKEN, forget_marks, keep_mark
from store.reading import QUEUE_FILE_BLOCKED, Reader
from store.transaction import Transaction, dump
from store.writer import Writer

_REFUSED: Final = "queue_file_refused"
_HOME: Final = "queue_file_home"
_BESIDE: Final = "queue_file_beside"
#: Queue files on other mounts that are remembered.
_MOST_BESIDE: Final = 50

#: hashes of contents, each with the mark of the saving of it that is known (none: any is)
Known = dict[str, str | None]


def has_seen(reader: Reader, digest: str) -> bool:
    """Whether a content of the queue file, by its SHA-256, was written, taken in or refused by the leader."""
    rows = (reader.one("get_meta", key=key) for key in (GENERATIONS, TAKEN, _REFUSED))
    return any(digest in row["value"] for row in rows if row is not None)


class Memory:
    """Knows a content again."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        #: hash of the content that was refused last, since this process began
        self._refused: str | None = None

    def generations(self) -> list[str]:
        """Hashes of what stood there before we wrote, and of what we wrote or were about to."""
        row = self._reader.one("get_meta", key=GENERATIONS)
        found: list[str] = json.loads(row["value"]) if row is not None else [""]
        return found

    def known(self) -> Known:
        """Hashes of every content that need not be looked at again, each with the mark of that saving of it.

        The same may be saved again, and then it need be. Of none, any saving is known.
        """
        row = self._reader.one("get_meta", key=TAKEN)
        taken = "" if row is None else row["value"]
        return _with_marks([*self.generations(), taken], self._reader.fact(MARKS) or {})

    def is_known(self, content: Content) -> bool:
        """Whether this very saving of a content is ours or was taken in."""
        return content.is_one_of(self.known())

    def is_of_this_home(self, mark: str) -> bool:
        """Whether what is remembered of files by their marks is of this home, not of one it is a copy of.

        `mark` is that of a file which stays as long as the home does.
        """
        row = self._reader.one("get_meta", key=_HOME)
        return row is None or bool(row["value"] == mark)

    def keep_home(self, mark: str) -> None:
        """From now on marks are of the home with this one."""
        row = self._reader.one("get_meta", key=_HOME)
        if row is None or row["value"] != mark:
            self._writer.run(lambda tx: tx.set_meta(_HOME, mark))

    def taken_of_old(self) -> dict[str, list[str]]:
        """Hash and mark of what was last taken in of files that were replaced, by their names."""
        return self._reader.fact(OLD_TAKEN) or {}

    def beside(self) -> dict[Path, Known]:
        """Queue files on another mount than the home, by which old ones may lie.

        With each, what was known when an exchange with it was last announced: what came out of that may be
        looked at only after others, while the mount is away.
        """
        row = self._reader.one("get_meta", key=_BESIDE)
        found: dict[str, Known] | list[str] = json.loads("{}" if row is None else row["value"])
        if isinstance(found, list):  # an earlier version kept the names alone
            found = {each: {} for each in found}
        return {Path(os.fsdecode(bytes.fromhex(each))): known for each, known in found.items()}

    def forget_beside(self, target: Path) -> None:
        """No old file lies there any more."""
        left = {each: known for each, known in self.beside().items() if each != target}
        self._writer.run(lambda tx: _keep_beside(tx, left))

    def forget_old(self, names: Collection[str]) -> None:
        """These old files are gone, and what was taken in of them need not be known."""
        known = self.taken_of_old()
        if not known.keys().isdisjoint(names):
            left = {name: taken for name, taken in known.items() if name not in names}
            self._writer.run(lambda tx: tx.set_meta(OLD_TAKEN, dump(left)))

    def announce(
        self,
        digest: str,
        mark: str,
        revision: int,
        *,
        stands: str | None,
        was_missing: bool,
        beside: Path | None,
    ) -> None:
        """Say before the exchange what will be there, so that it is recognised after a crash.

        `stands`: hash of what is there, as far as that is known. `beside`: the queue file, where the files of
        the exchange lie beside it.
        """
        generations, places = [stands or self.generations()[-1], digest], self.beside()

        def keep(tx: Transaction) -> None:
            tx.set_meta(REVISION, str(revision))
            tx.set_meta(GENERATIONS, dump(generations))
            keep_mark(tx, digest, mark, {*generations, tx.meta(TAKEN) or ""})
            if beside is not None:
                places.pop(beside, None)
                _keep_beside(tx, places | {beside: _known(tx)})
            if was_missing and revision > 1:
                reason = "it was missing; nothing was cancelled"
                tx.emit("queue_file.recreated", file="queue.json", revision=revision, reason=reason)

        self._writer.run(keep)

    def forget_older(self) -> None:
        """Of what stood there before ours no saving is known any more."""
        self._writer.run(lambda tx: forget_marks(tx, but_ours=True))

    def note_blocked(self, reason: str | None) -> None:
        """The file cannot be written, or (none) it can be again: told in the history when that changes."""
        was_blocked = self._reader.fact(QUEUE_FILE_BLOCKED) is not None
        if was_blocked is (reason is None):
            came, went = "queue_file.blocked", "queue_file.ok"
            self._writer.run(lambda tx: obstacles.note(tx, QUEUE_FILE_BLOCKED, reason, came, went))

    def note_readable(self) -> None:
        """What is broken next is told, also where it was told before."""
        self._refused = None

    def refuse(self, error: InvalidFile, digest: str) -> str:
        """Tell in the history why a content cannot be read, once at each start; the sentence for a person."""
        line, column = error.details.get("line"), error.details.get("column")
        place = f" line {line}, column {column}:" if line else ":"
        message = f"queue.json{place} {error.message}"

        def tell(tx: Transaction) -> None:
            tx.set_meta(_REFUSED, digest)
            tx.emit("queue_file.refused", file="queue.json", reason=message, line=line, column=column)

        if self._refused != digest:
            self._writer.run(tell)
            self._refused = digest
        return message


def _with_marks(digests: Collection[str], marks: Known) -> Known:
    return {digest: marks.get(digest) for digest in digests if digest}


def _known(tx: Transaction) -> Known:
    """As `Memory.known`, of what is being written."""
    generations: list[str] = json.loads(tx.meta(GENERATIONS) or "[]")
    return _with_marks([*generations, tx.meta(TAKEN) or ""], json.loads(tx.meta(MARKS) or "{}"))


def _keep_beside(tx: Transaction, places: dict[Path, Known]) -> None:
    # In hexadecimal: a path need not be text.
    kept = {os.fsencode(each).hex(): places[each] for each in list(places)[-_MOST_BESIDE:]}
    tx.set_meta(_BESIDE, dump(kept))

"""Taking a saved queue file in: one transaction for the whole file, which also notes that it was taken.

Everything that can be known beforehand is settled outside the transaction: the file is parsed, entries that
say what the view says drop out, new ones are judged. What is left is decided inside, against the rows as
they are then. The file's hash is stored with it, so doing it again after a crash changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from collecting import no_collecting
from faults import fault_point
from runtime_contract import ENDED
from settings import Settings
from store import intake, steering
from store.queue_file import apply, entries, merge, strict_json
from store.queue_file.entries import FileEntry, Namesake, QueueEntries
from store.queue_file.plain_files import Content
from store.queue_file.removals import Lacked, take_away
from store.queue_file.rendering import hash_entry
from store.queue_file.said import Said, taken_of
from store.queue_file.wishes import (
    Action,
    Cancel,
    Edit,
    Refuse,
    Retry,
    Stored,
    Wish,
    Words,
)
from store.reading import Reader
from store.records import STATUS_OF_STATE, EndedTask, Intake, NewTask, RefusedTask
from store.transaction import Transaction, dump
from store.writer import Writer

#: Facts about the queue file, in `meta`.
TAKEN: Final = "queue_file_hash"
#: in place of a mark: no saving of that content is known
NO_SAVING: Final = ""
#: by the hash of a content, what tells the saving of it that is known
MARKS: Final = "queue_file_marks"
#: hashes of what stood there before we wrote, and of what we wrote or were about to
GENERATIONS: Final = "queue_file_generations"
TOP: Final = "queue_file_top"
REVISION: Final = "queue_file_revision"
#: by the name of an old file that is still there, hash and mark of what was last taken in of it
OLD_TAKEN: Final = "queue_file_old_taken"


@dataclass(slots=True)
class Brought:
    """A file, sorted before the transaction."""

    digest: str
    #: tells one saving of it from another
    mark: str
    #: name of the file where it has been replaced, none for the one in its place
    old: str | None
    #: whether it stands in its place, and nothing else does
    stands: bool
    size: int
    top: dict[str, object]
    revision: int | None
    refused_keys: list[tuple[str, str, str]]
    judged: list[NewTask | RefusedTask | EndedTask] = field(default_factory=list)
    #: entries the judged ones came from, in the same order, none for what is no object
    sources: list[FileEntry | None] = field(default_factory=list)
    #: entries of known tasks that say something else than the view
    changed: list[FileEntry] = field(default_factory=list)
    #: every entry that the file has, by its id
    present: dict[str, FileEntry] = field(default_factory=dict)
    #: what it lacks of what its revision showed; none: what it lacks was not taken out of it
    lacked: Lacked | None = None


class Taker:
    """Takes saved files in."""

    def __init__(self, writer: Writer, reader: Reader, rules: apply.Rules, settings: Settings) -> None:
        self._writer = writer
        self._reader = reader
        self._rules = rules
        self._settings = settings

    def take_in(self, content: Content, *, old: str | None = None, stands: bool = True) -> apply.Tally:
        """Merge a file into the store. Raises `InvalidFile`; the file then has no effect.

        `old` is the name of one that was replaced and written after that; none: it stands in its place
        (`stands`), or did so a moment ago.
        """
        with no_collecting():
            brought = self._sort(content, old, stands=stands)
            tally = self._writer.run(lambda tx: self._merge(tx, brought))
        fault_point("ingest.committed")
        return tally

    # -- before the transaction ----------------------------------------------------------------------------

    def _sort(self, content: Content, old: str | None, *, stands: bool) -> Brought:
        found = entries.read(strict_json.parse(content.data, self._rules.contract))
        revision, mark = self._known_revision(found.revision), content.signature.mark
        size = len(content.data)
        brought = Brought(content.digest, mark, old, stands, size, found.top, revision, found.refused_keys)
        found.revision = revision
        everything = entries.give_ids(found, self._namesakes(found.entries))
        brought.present = {each.id: each for each in everything}
        known = self._shown(brought.present)
        for entry in everything:
            shown = known.get(entry.id)
            if shown is None:
                brought.judged.append(entries.admit(entry, self._rules.contract))
                brought.sources.append(entry)
            elif shown != (entry.section, dump(entry.raw)):
                brought.changed.append(entry)
        self._note_refused(brought, found, known)
        if found.is_whole and revision is not None:
            brought.lacked = Lacked.of(self._reader, revision, brought.present.keys())
        return brought

    def _known_revision(self, revision: int | None) -> int | None:
        """The file's revision, unless this home never wrote it."""
        row = self._reader.one("get_meta", key=REVISION)
        newest = 0 if row is None else int(row["value"])
        return revision if revision is not None and 0 < revision <= newest else None

    def _shown(self, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Section and text of those tasks that are known."""
        rows = self._reader.all("shown_of", ids=dump(list(ids)))
        return {row["id"]: (row["section"], row["text"]) for row in rows}

    def _namesakes(self, found: Sequence[FileEntry]) -> dict[str, list[Namesake]]:
        bases = {entry.id for entry in found if entry.is_nameless}
        return {
            base: [
                Namesake(row["id"], row["first_shown"]) for row in self._reader.all("namesakes", base=base)
            ]
            for base in (self._shown(bases) if bases else ())
        }

    def _note_refused(self, brought: Brought, found: QueueEntries, known: dict[str, tuple[str, str]]) -> None:
        refused = {each.id: each for each in found.refused}
        for twin in found.twins:
            first = found.named[twin.id]
            is_copy = twin.raw == first.raw or (twin.id in known and twin.section != first.section)
            if not is_copy:
                reason = f"{twin.path}.id: {twin.id!a} stands at {first.path} already; give it another id"
                each = entries.refuse(twin.raw, reason, f"{twin.path}.id", code="duplicate_id")
                refused.setdefault(each.id, each)
        brought.judged += refused.values()
        brought.sources += [None] * len(refused)

    # -- inside --------------------------------------------------------------------------------------------

    def _merge(self, tx: Transaction, brought: Brought) -> apply.Tally:
        tally = apply.Tally()
        if brought.revision is None and _is_last(tx, brought):
            return tally  # a list of wishes that somebody writes again and again
        said = Said(tx, brought.revision)
        late = self._enter_new(tx, brought, said, tally)
        for entry in self._in_order(tx, self._news(brought, late, said), brought, said):
            self._merge_one(tx, entry, brought, said, tally)
        if brought.lacked is not None:
            tally.cancelled += take_away(tx, brought.lacked, said, self._settings)
        for key, rule, value in brought.refused_keys:
            tx.emit("queue_file.key_refused", path=key, reason=f"{key} {rule}", raw=value, file="queue.json")
        _note_taken(tx, brought)
        tx.emit(
            "queue_file.taken_in", file="queue.json", revision=brought.revision, bytes=brought.size,
            added=tally.added, edited=tally.edited, cancelled=tally.cancelled, refused=tally.refused,
        )  # fmt: skip
        fault_point("ingest.before_commit")
        return tally

    @staticmethod
    def _news(brought: Brought, late: list[FileEntry], said: Said) -> list[FileEntry]:
        """Entries that say something else than is shown, or than copies of the revision said before."""
        found = {each.id: each for each in (*brought.changed, *late)}
        found |= {key: each for key, each in brought.present.items() if key in said}
        return [each for each in found.values() if not said.has(each.id, each.section, each.raw)]

    def _enter_new(
        self, tx: Transaction, brought: Brought, said: Said, tally: apply.Tally
    ) -> list[FileEntry]:
        """Enter what nobody knows; return the entries of ids that came to be known in the meantime."""
        known = intake.states_of(tx, (_id_of(each) for each in brought.judged))
        late = [
            entry
            for each, entry in zip(brought.judged, brought.sources, strict=True)
            if entry is not None and _id_of(each) == entry.id and entry.id in known
        ]
        fresh = [each for each in brought.judged if _id_of(each) not in known] if known else brought.judged
        brought_in = Intake(
            new=[each for each in fresh if isinstance(each, NewTask)],
            refused=[each for each in fresh if isinstance(each, RefusedTask)],
            ended=[each for each in fresh if isinstance(each, EndedTask)],
        )
        intake.enter(tx, brought_in, apply.SOURCE, self._rules.lanes)
        self._keep_said(tx, brought, {_id_of(each) for each in fresh}, said)
        tally.added += len(brought_in.new)
        tally.refused += len(brought_in.refused)
        return late

    @staticmethod
    def _keep_said(tx: Transaction, brought: Brought, fresh: set[str], said: Said) -> None:
        """Remember of new entries what more than their first words say."""
        for task_id in fresh:
            entry = brought.present.get(task_id)
            is_said = entry is not None and entry.raw.get("status", "pending") != "pending"
            if entry is not None and (is_said or entry.section != "tasks"):
                said.keep(steering.find(tx, task_id)["seq"], Words(entry.section, entry.raw))

    def _in_order(
        self, tx: Transaction, found: list[FileEntry], brought: Brought, said: Said
    ) -> list[FileEntry]:
        """Those first that send a task back, which brings others back with it whatever the file says of them.

        Decided before, an edit of such another would be refused, and taken when the same file is saved again.
        """
        rows = {each.id: steering.find(tx, each.id) for each in found}
        ended = [each for each in found if STATUS_OF_STATE[rows[each.id]["state"]] in ENDED]
        decided = {each.id: self._decide(tx, rows[each.id], each, brought, said)[0] for each in ended}
        first = {key for key, actions in decided.items() if any(isinstance(one, Retry) for one in actions)}
        return sorted(found, key=lambda each: each.id not in first)

    def _decide(
        self, tx: Transaction, row: sqlite3.Row, entry: FileEntry, brought: Brought, said: Said
    ) -> tuple[Sequence[Action], Wish, Stored]:
        digest, before = hash_entry(dump(entry.raw)), said.words(entry.id)
        wish = Wish(entry.section, entry.raw, digest, brought.revision, before)
        stored = apply.load(tx, row, brought.revision)
        return merge.decide(wish, stored, apply.checker(self._rules.contract, stored.doc)), wish, stored

    def _merge_one(
        self, tx: Transaction, entry: FileEntry, brought: Brought, said: Said, tally: apply.Tally
    ) -> None:
        row = steering.find(tx, entry.id)
        actions, wish, stored = self._decide(tx, row, entry, brought, said)
        is_same = merge.has_same_status(wish, stored)
        taken = taken_of(wish, actions, merge.shown_of(wish, stored), has_same_status=is_same)
        if taken is None or merge.is_as_shown(wish, stored):
            said.forget(entry.id)
        else:
            said.keep(row["seq"], taken)
        asked = apply.Asked(apply.SOURCE, brought.revision, dump(entry.raw))
        apply.act(tx, entry.id, actions, self._rules, asked)
        tally.edited += any(isinstance(each, Edit | Retry) for each in actions)
        tally.cancelled += any(isinstance(each, Cancel) for each in actions)
        tally.refused += any(isinstance(each, Refuse) for each in actions)


def _is_last(tx: Transaction, brought: Brought) -> bool:
    """Whether this very content was the last to be taken in of its place."""
    if brought.old is None:
        return tx.meta(TAKEN) == brought.digest
    taken = json.loads(tx.meta(OLD_TAKEN) or "{}")
    return bool(taken.get(brought.old, [""])[0] == brought.digest)


def _note_taken(tx: Transaction, brought: Brought) -> None:
    """Remember that it was taken in, so that it is known again."""
    if brought.old is not None:
        taken = json.loads(tx.meta(OLD_TAKEN) or "{}")
        tx.set_meta(OLD_TAKEN, dump(taken | {brought.old: [brought.digest, brought.mark]}))
        return
    forget_marks(tx, but_ours=not brought.stands)
    tx.set_meta(TAKEN, brought.digest)
    tx.set_meta(TOP, dump(brought.top))
    keep_mark(tx, brought.digest, brought.mark)


def forget_marks(tx: Transaction, *, but_ours: bool) -> None:
    """What stood in the place of the file stands there no more: where it does again, somebody saved it.

    Its mark would not tell, where the time of the file is set back (`cp -p` in place) or the very file comes
    back. `but_ours`: what we wrote last stands there.
    """
    marks, generations = json.loads(tx.meta(MARKS) or "{}"), json.loads(tx.meta(GENERATIONS) or "[]")
    ours = {digest: marks[digest] for digest in generations[-1:] if but_ours and digest in marks}
    tx.set_meta(MARKS, dump(dict.fromkeys([*generations, tx.meta(TAKEN) or ""], NO_SAVING) | ours))


def keep_mark(tx: Transaction, digest: str, mark: str, known: Collection[str] | None = None) -> None:
    """Remember which saving of a content is known; `known`: the only contents whose marks are kept."""
    marks = json.loads(tx.meta(MARKS) or "{}") | {digest: mark}
    tx.set_meta(MARKS, dump({key: each for key, each in marks.items() if known is None or key in known}))


def _id_of(judged: NewTask | RefusedTask | EndedTask) -> str:
    return judged.task.id if isinstance(judged, NewTask) else judged.id

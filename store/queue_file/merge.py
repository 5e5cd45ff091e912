"""What a saved queue file asks for, task by task: a merge of the file, its base and the store. Pure.

A file is a copy of the view at some revision, edited. What a person asked for is therefore the difference
between an entry and what the file's revision showed of that task, never the difference from the store: a
text that was ever projected is only stale, whatever it says. Edits are taken field by field; where the same
field changed on both sides the store keeps its own and the file's text is put aside. What an earlier save of
the same copy said is no other side: an editor that stays open saves again and again, and the last one counts.

What must never break: a task that was approved never runs again by a file, a task that ended runs again only
for somebody who saw that very end, no task vanishes, and the same file taken twice changes nothing more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from errors import InvalidTask
from runtime_contract import ENDED, MACHINE_KEYS, STATUS_READINGS, STATUS_RULE, Status
from store.queue_file.entries import Section, surrogate_at, with_id, without_machine_keys
from store.queue_file.wishes import (
    Action,
    AskRemoval,
    Cancel,
    Conflict,
    Document,
    Duplicate,
    Edit,
    Refuse,
    Rendering,
    Retry,
    Stored,
    Wish,
    Withdraw,
    Words,
)
from store.transaction import dump
from task_errors import shorten

#: Reads a document by the contract and returns it with canonical names. Raises `InvalidTask`.
Check = Callable[[Document], Document]

#: ends a person can take back
RETRIABLE: Final = ENDED - {Status.APPROVED}
#: codes of entries that never were a task: their document is the refused text
REFUSED_CODES: Final = frozenset({"invalid_task", "duplicate_id"})
_MISSING: Final = object()
_WORDS: Final = {"completed": Status.APPROVED, "subtask_completed": Status.APPROVED}


@dataclass(frozen=True, slots=True)
class _Base:
    """What the person who saved the file had seen of the task."""

    status: Status | None
    doc: Document
    is_latest: bool


def decide(wish: Wish, stored: Stored, check: Check) -> list[Action]:
    """Everything that follows from one entry of a known task, in the order it is to be done."""
    if stored.code in REFUSED_CODES:
        return _decide_refused(wish, stored, check)
    base = _base_of(wish, stored)
    if _is_namesake(wish, stored, base):
        known = f"another task has the id {stored.id} already, and this file never showed it"
        reason = f"{known}; give yours another id"
        return [Refuse(reason, keep_text=True, path="task.id", is_whole=True)]
    same = _stale_as(wish, stored, base)
    if same is not None:
        edits = _undone(stored, base)
        return _decide_status(wish, stored, _Base(same.status, base.doc, base.is_latest), edits)
    try:
        _check_status(wish, base)
        edits = _edits(wish, stored, base, check)
    except InvalidTask as error:
        return [Refuse(error.message, keep_text=True, path=error.details.get("path"), is_whole=True)]
    return _decide_status(wish, stored, base, edits)


def _check_status(wish: Wish, base: _Base) -> None:
    """Raise `InvalidTask` where the file gives a task a status that nobody knows: perhaps a mistyped cancel.

    What another program wrote of a task that it entered as ended says nothing new.
    """
    word = wish.entry.get("status")
    is_known = word is None or (isinstance(word, str) and word in STATUS_READINGS)
    if not is_known and not _is_equal(word, base.doc.get("status", _MISSING)):
        raise InvalidTask(f"task.status: {STATUS_RULE}, got {shorten(word)}", path="task.status")


def is_as_shown(wish: Wish, stored: Stored) -> bool:
    """Whether an entry is what the file's revision showed of its task."""
    base = _base_of(wish, stored)
    is_repeated = base.status is not None and _stale_as(wish, stored, base) is not None
    return is_repeated and base.status is not None and wish.section == home_of(base.status)


def shown_of(wish: Wish, stored: Stored) -> Words:
    """What the file's revision showed of a task."""
    base = _base_of(wish, stored)
    words = {key: value for key, value in base.doc.items() if key != "status"}  # its own, where it was new
    status = {} if base.status is None else {"status": base.status.value}
    return Words(home_of(base.status or Status.PENDING), words | status)


def has_same_status(wish: Wish, stored: Stored) -> bool:
    """Whether an entry wants the status of a task that the copy wanted before."""
    return wish.before is not None and _wants_as_before(wish, wish.before, _base_of(wish, stored).status)


def _wants_as_before(wish: Wish, before: Words, seen: Status | None) -> bool:
    earlier = Wish(before.section, before.entry, wish.hash, wish.revision)
    return _wanted_status(wish, seen) is _wanted_status(earlier, seen)


def _stale_as(wish: Wish, stored: Stored, base: _Base) -> Rendering | None:
    """The rendering that an entry repeats, where that says nothing.

    A file of a known revision repeats what that revision showed; words of another revision were put back by
    hand. Without a revision whatever was ever shown may be an old copy.
    """
    if wish.revision is not None and base.status is not None:
        shown = [each for each in stored.renderings if each.first_revision <= wish.revision]
        return shown[-1] if shown[-1].hash == wish.hash else None
    return next((each for each in stored.renderings if each.hash == wish.hash), None)


def _base_of(wish: Wish, stored: Stored) -> _Base:
    """The last rendering at the file's revision; without one, the last of all; before any, the first words.

    An entry without an id is known by its first words, so these are its base.
    """
    revision = wish.revision
    shown = [each for each in stored.renderings if revision is None or each.first_revision <= revision]
    if not shown or not shown[-1].hash or wish.entry.get("id") is None:
        return _Base(None, stored.versions.get(1, stored.doc), is_latest=False)
    last = shown[-1]
    doc = stored.doc if last.version == stored.version else stored.versions.get(last.version, stored.doc)
    return _Base(last.status, doc, is_latest=last is stored.renderings[-1])


def _is_namesake(wish: Wish, stored: Stored, base: _Base) -> bool:
    """Whether the file adds a task of its own whose id one that came another way has by chance."""
    is_unseen = base.status is None and not stored.is_from_file and wish.entry.get("id") is not None
    return is_unseen and dump(_words_of(wish.entry)) != dump(_words_of(base.doc))


def home_of(status: Status) -> Section:
    """The section of the file that shows a status."""
    if status not in ENDED:
        return "tasks"
    return "completed" if status is Status.APPROVED else "failed"


def _wanted_status(wish: Wish, seen: Status | None) -> Status | None:
    """The status a person gave the task by their own hand, or none."""
    word = wish.entry.get("status")
    reading = _WORDS.get(word) or STATUS_READINGS.get(word) if isinstance(word, str) else None
    if seen is None:
        return reading if wish.section == "tasks" and reading in {Status.PENDING, Status.CANCELLED} else None
    if reading is not None and reading is not seen:
        return reading
    if wish.section == home_of(seen):
        return None
    moved = {"tasks": Status.PENDING, "completed": Status.APPROVED, "failed": Status.FAILED}
    return moved[wish.section]


def _decide_status(wish: Wish, stored: Stored, base: _Base, edits: list[Action]) -> list[Action]:
    wanted = _wanted_status(wish, base.status)
    if wish.before is not None and _wants_as_before(wish, wish.before, base.status):
        wanted = None  # what was said before is no news
    if stored.status in ENDED:
        return _decide_ended(wish, stored, base, wanted, edits)
    # Without a revision the file may be an old copy: a status that Skep may have written is no wish.
    is_old_word = wish.revision is None and ("finished_at" in wish.entry or wanted is not Status.CANCELLED)
    if wanted is None or wanted is stored.status or is_old_word:
        return edits
    if wanted is Status.CANCELLED:
        return [*edits, Cancel()]
    if base.status is None or base.status in ENDED:
        return edits
    return [*edits, Refuse(_way_to(wanted, stored))]


def _way_to(wanted: Status, stored: Stored) -> str:
    if wanted is Status.APPROVED:
        return f"a task is not approved by editing the file; {_way_to_approve(stored)}"
    if wanted in RETRIABLE:
        return f"only Skep says how a task ended; `skep cancel {stored.id}` withdraws it"
    return f"only Skep starts and stops tasks; `skep cancel {stored.id}` stops it"


def _way_to_approve(stored: Stored) -> str:
    """Only a task that waits for a decision has something that a person can say yes to."""
    if stored.status is Status.PENDING_REVIEW:
        return f"it waits for a decision, and `skep approve {stored.id}` gives it"
    return "it is approved when its result has been judged"


def _decide_ended(
    wish: Wish, stored: Stored, base: _Base, wanted: Status | None, edits: list[Action]
) -> list[Action]:
    """What a file may do to a task that has ended: send it back, if its author saw this very end."""
    known = f"{stored.id} is known and ended {stored.status}"
    is_edited = any(isinstance(each, Conflict) or (isinstance(each, Edit) and each.fields) for each in edits)
    lost = [Refuse(f"{known}; a change of it has no effect", keep_text=True)] if is_edited else []
    if stored.status in RETRIABLE and wanted is Status.PENDING and _saw_this_end(wish, stored, base):
        return [*edits, Retry()]
    if wish.section == "tasks" and (base.status is None or wanted is Status.PENDING):
        if _is_first_copy(wish, stored) and not is_edited:
            return []
        is_retriable = stored.status in RETRIABLE
        way = f"`skep retry {stored.id}` sends it back" if is_retriable else "give a new id to do it again"
        return [*lost, Duplicate(f"{known}; {way}")]
    if lost:
        return [*lost]
    if wanted in {None, stored.status} or wish.revision is None:
        return []
    return [Refuse(_way_to(wanted, stored) if wanted is Status.APPROVED else f"{known}; its status stays")]


def _is_first_copy(wish: Wish, stored: Stored) -> bool:
    """Whether the file is the copy the task came from, saved again before its editor read the next."""
    first = next((each.first_revision for each in stored.renderings if each.hash), None)
    return wish.revision is not None and (first is None or first > wish.revision)


def _saw_this_end(wish: Wish, stored: Stored, base: _Base) -> bool:
    """Whether the file's author saw the end the task has now, not one before a later try."""
    finished_at = wish.entry.get("finished_at")
    if finished_at is not None:
        return bool(finished_at == stored.finished_at)
    was_shown = base.is_latest and base.status in RETRIABLE and stored.shown_finished_at == stored.finished_at
    return wish.revision is not None and was_shown


def _edits(wish: Wish, stored: Stored, base: _Base, check: Check) -> list[Action]:
    """The changed fields, three-way. Raises `InvalidTask` where the outcome breaks the contract."""
    if wish.before is None and dump(_words_of(wish.entry)) == dump(_words_of(base.doc)):
        return []
    theirs = _checked(wish.entry, stored.id, check)
    old = _words_before(wish, stored, base, theirs, check)
    if old is None and _was_taken(theirs, stored, base):
        return []
    undone: list[str] = []
    if old is None:
        merged, taken, conflicts = merge_fields(theirs, base.doc, stored.doc, stored.saved_before)
    else:
        undone = _put_back(theirs, old, stored, base)
        kept = {key: value for key, value in theirs.items() if key not in undone}
        kept |= {key: old[key] for key in undone if key in old}
        merged, taken, conflicts = merge_fields(kept, old, stored.doc)
    if taken:
        check(merged)
    elif not _is_reordered(merged, stored, base):
        merged = stored.doc
    edits: list[Action] = []
    if taken or merged is not stored.doc:
        edits.append(Edit(merged, tuple(taken)))
    if conflicts:
        edits.append(Conflict(tuple(conflicts)))
    return [*edits, *_told_of_undone(undone)]


def _words_before(wish: Wish, stored: Stored, base: _Base, theirs: Document, check: Check) -> Document | None:
    """What copies of the revision said before, in canonical words; none where that is not known."""
    if wish.before is None:
        return None
    try:
        return _checked(wish.before.entry, stored.id, check)
    except InvalidTask:  # it came before a rule did
        return None


def _put_back(theirs: Document, old: Document, stored: Stored, base: _Base) -> list[str]:
    """Fields that are as the revision showed them, where nothing shows that the copy knew of their edits.

    Another program that read the same revision has them so, too. What no file has shown is only in copies
    that have it from the one that is saved again.
    """
    keys = {**old, **base.doc}.keys() - MACHINE_KEYS
    said = [key for key in keys if not _has_same(key, old, base.doc)]
    if base.status is None or any(_has_same(key, theirs, old) for key in said):
        return []
    return sorted(
        key for key in said if _has_same(key, theirs, base.doc) and not _has_same(key, theirs, stored.doc)
    )


def _has_same(key: str, one: Document, other: Document) -> bool:
    return _is_equal(one.get(key, _MISSING), other.get(key, _MISSING))


def _was_taken(theirs: Document, stored: Stored, base: _Base) -> bool:
    """Whether the last edit was made of these very words: they say nothing new when they are saved again."""
    before = stored.versions.get(stored.version - 1)
    if before is None or not stored.saved_before:
        return False
    merged, taken, conflicts = merge_fields(theirs, base.doc, before, stored.saved_earlier)
    return bool(taken) and not conflicts and _is_equal(merged, stored.doc)


def _words_of(doc: Document) -> Document:
    return {key: value for key, value in doc.items() if key not in MACHINE_KEYS and key != "id"}


def _checked(entry: Document, task_id: str, check: Check) -> Document:
    doc = without_machine_keys(with_id(entry, task_id))
    where = surrogate_at(doc, "task")
    if where is not None:
        raise InvalidTask(f"{where}: holds a lone surrogate, which is not text", path=where)
    return check(doc)


def _is_reordered(merged: Document, stored: Stored, base: _Base) -> bool:
    """Whether the author saw today's document and only changed the order of its keys."""
    ours = [key for key in stored.doc if key not in MACHINE_KEYS]
    return (
        base.is_latest
        and base.doc is stored.doc
        and [key for key in merged if key not in MACHINE_KEYS] != ours
    )


def _undone(stored: Stored, base: _Base) -> list[Action]:
    """What is said of a copy that shows a task as it was before an edit from the same copy was taken in.

    Another program that read the same revision saves it too, so nothing is taken back by it.
    """
    fields = sorted(
        key
        for key in stored.saved_before
        if not _is_equal(base.doc.get(key, _MISSING), stored.doc.get(key, _MISSING))
    )
    return [] if stored.status in ENDED else _told_of_undone(fields)


def _told_of_undone(fields: Sequence[str]) -> list[Action]:
    if not fields:
        return []
    names = ", ".join(fields)
    reason = f"saved as it was before the edit of {names}, which stays; to undo it, edit the file anew"
    return [Refuse(reason, fields=tuple(fields))]


def merge_fields(
    theirs: Document, base: Document, ours: Document, again: Collection[str] = ()
) -> tuple[Document, list[str], list[str]]:
    """Three documents into one, field by field: it, the fields taken from the file, those in conflict.

    `again` are fields that an earlier save of the same copy set: the file's word counts, and where the file
    still has something of that save, also its word that a field is as it was. The order of keys is the
    file's; what only the store has comes after.
    """
    taken, conflicts = [], []
    goes_on = any(_is_equal(theirs.get(key, _MISSING), ours.get(key, _MISSING)) for key in again)
    kept: Document = {}
    for key in dict.fromkeys([*theirs, *ours, *base]):
        if key == "id" or key in MACHINE_KEYS:
            value = theirs.get(key, _MISSING) if key == "status" else ours.get(key, _MISSING)
        else:
            file, old, now = (doc.get(key, _MISSING) for doc in (theirs, base, ours))
            value = now
            is_changed = not _is_equal(file, old) or (goes_on and key in again)
            if is_changed and not _is_equal(file, now):
                if _is_equal(old, now) or key in again:
                    value = file
                    taken.append(key)
                else:
                    conflicts.append(key)
        if value is not _MISSING:
            kept[key] = value
    return kept, taken, conflicts


def _is_equal(one: object, other: object) -> bool:
    """Equality of JSON, where ``1``, ``1.0`` and ``true`` differ."""
    if one is _MISSING or other is _MISSING:
        return one is other
    return one == other and dump(one) == dump(other)


def _decide_refused(wish: Wish, stored: Stored, check: Check) -> list[Action]:
    """An entry that never was a task: corrected in place it becomes one and is tried."""
    raw = stored.doc.get("raw")
    entry = {key: value for key, value in wish.entry.items() if not (key == "raw" and value == raw)}
    if any(each.hash == wish.hash for each in stored.renderings) or _is_equal(_parsed(raw), wish.entry):
        moved = wish.section != "failed" and "raw" in wish.entry
        return [Refuse(_still_broken(stored))] if moved else []
    if set(entry) - MACHINE_KEYS == {"id", "raw"}:
        entry = _parsed(entry["raw"]) or entry
    try:
        _check_status(wish, _Base(Status.FAILED, stored.doc, is_latest=False))
        if not set(entry) - MACHINE_KEYS - {"id"}:
            return _decide_status_of_none(wish, stored)
        doc = _checked({**entry, "id": stored.id}, stored.id, check)
    except InvalidTask as error:
        is_beside = "raw" in wish.entry and "raw" not in entry and set(entry) - MACHINE_KEYS - {"id"}
        way = "; what stands beside `raw` counts alone: give the whole task there" if is_beside else ""
        path = error.details.get("path")
        return [Refuse(error.message + way, keep_text=True, path=path, is_whole=True)]
    fields = tuple(key for key in doc if key != "id" and key not in MACHINE_KEYS)
    is_unwanted = STATUS_READINGS.get(str(wish.entry.get("status"))) is Status.CANCELLED
    return [Edit(doc, fields), Retry(), *([Cancel()] if is_unwanted else [])]


def _decide_status_of_none(wish: Wish, stored: Stored) -> list[Action]:
    """What a status, or a place in another list, may ask of an entry that never was a task: nothing."""
    if _wanted_status(wish, Status.FAILED) in {None, Status.FAILED}:
        return []
    return [Refuse(_still_broken(stored), path="task.status")]


def _still_broken(stored: Stored) -> str:
    """Why nothing can be asked of an entry that never was a task, and what makes it one."""
    way = "correct it in its `raw`, or give the whole task again, every field of it, without `raw`"
    return f"it still breaks the contract: {stored.reason}; no status mends that: {way}"


def _parsed(raw: object) -> Document | None:
    try:
        found = json.loads(raw) if isinstance(raw, str) else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def decide_removal(missing: Sequence[str], shown: int, most: int, share: float) -> AskRemoval | Withdraw:
    """What follows from pending tasks that the file's revision showed and the file lacks.

    `shown` is how many pending tasks the revision showed, `most` and `share` what goes without asking.
    """
    if len(missing) > max(most, share * shown):
        return AskRemoval(tuple(missing))
    return Withdraw(tuple(missing))

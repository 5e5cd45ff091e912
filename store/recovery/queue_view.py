"""What ``queue.json`` still shows: the words of tasks, which no event tells, and how far each had come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from errors import InvalidFile, InvalidTask
from runtime_contract import ENDED, MACHINE_KEYS, STATUS_READINGS, Limits, Status, Task, normalize_task
from settings import Home
from store.queue_file import entries, plain_files, strict_json
from store.queue_file.entries import FileEntry
from store.transaction import dump

_MOST_REVISION: Final = 2**53


@dataclass(slots=True)
class QueueView:
    """A queue file, read once."""

    #: entries that have an id, by it
    entries: dict[str, FileEntry] = field(default_factory=dict)
    revision: int | None = None
    #: whether it may be newer than what the store is rebuilt on: then what it shows of a task counts
    is_newer: bool = False
    #: why nothing of it could be read; none where it could
    trouble: str | None = None


def read(home: Home, limits: Limits, base_revision: int) -> QueueView:
    """Read the file of a home; `base_revision` is the newest that the backup knows."""
    try:
        content = plain_files.read_by_name(home.queue_file, limits)
        found = entries.read(strict_json.parse(content.data, limits))
    except FileNotFoundError:
        return QueueView(trouble="is missing")
    except (InvalidFile, OSError) as error:
        return QueueView(trouble=f"cannot be read ({error})")
    if not found.is_whole:  # what ended may stand there, and must not run again unsaid
        return QueueView(trouble="cannot be read (completed and failed must be lists)")
    revision = found.revision if found.revision and 0 < found.revision < _MOST_REVISION else None
    return QueueView(found.named, revision, revision is None or revision > base_revision)


def shown_status(entry: FileEntry) -> Status:
    """The status an entry shows its task in."""
    word = entry.raw.get("status")
    reading = STATUS_READINGS.get(word) if isinstance(word, str) else None
    if entry.section == "completed":
        return Status.APPROVED
    if entry.section == "failed":
        return reading if reading in ENDED - {Status.APPROVED} else Status.FAILED
    return reading or Status.PENDING


def words_of(doc: dict[str, Any]) -> dict[str, Any]:
    """What a person wrote of a task."""
    return {key: value for key, value in doc.items() if key not in MACHINE_KEYS and key != "id"}


def is_same(entry: FileEntry, doc: dict[str, Any]) -> bool:
    """Whether an entry says of its task what the store does."""
    return dump(words_of(entry.raw)) == dump(words_of(doc))


def document_of(entry: FileEntry | None, limits: Limits) -> tuple[Task, dict[str, Any]] | None:
    """The task an entry describes; none where it describes none (any more)."""
    if entry is None or entries.surrogate_at(entry.raw, entry.path) is not None:
        return None
    try:
        raw = entries.without_machine_keys(entry.raw) | {"status": "pending"}
        return normalize_task(raw, limits, is_known=True, is_expect_known=True)
    except InvalidTask:
        return None

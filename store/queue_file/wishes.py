"""The words of the merge: what an entry says, what the store knows of its task, what is to be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime_contract import Status
from store.queue_file.entries import Section

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendering:
    """A task's entry as it stood in the file from a revision on; an empty hash: not shown."""

    first_revision: int
    hash: bytes
    version: int
    status: Status


@dataclass(frozen=True, slots=True)
class Stored:
    """A task as the store has it, and every way the file has shown it, oldest first."""

    id: str
    status: Status
    doc: Document
    version: int
    code: str | None
    reason: str | None
    #: when it ended, as the file shows it
    finished_at: str | None
    #: the same as it was last shown; another one when it ended again since
    shown_finished_at: str | None
    renderings: Sequence[Rendering]
    #: earlier documents by version, as far as they are needed
    versions: Mapping[int, Document]
    #: whether it came from a queue file, whose author therefore knows its first words
    is_from_file: bool = True
    #: fields whose values were saved by hand from the very copy that is taken in now
    saved_before: frozenset[str] = frozenset()
    #: the same without the last of those edits
    saved_earlier: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Words:
    """An entry and the list it stands in."""

    section: Section
    entry: Document


@dataclass(frozen=True, slots=True)
class Wish:
    """One entry of the saved file."""

    section: Section
    entry: Document
    hash: bytes
    revision: int | None
    #: what copies of that revision said before, as far as it was taken; none: what the revision showed
    before: Words | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Take this document; `fields` are those that change, none when only their order does."""

    doc: Document
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the ended task back to the queue."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Withdraw the task."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """These fields changed on both sides: the store keeps its own, the entry is put aside."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """What the entry asks for is not done, and why; its text is put aside where it holds words."""

    reason: str
    keep_text: bool = False
    path: str | None = None
    #: the fields it is about, where it is not about the entry or its status
    fields: tuple[str, ...] = ()
    #: whether nothing of the entry was looked at but what is wrong with it
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The entry adds a task that is known already; not told again with a refusal that was told before."""

    reason: str


@dataclass(frozen=True, slots=True)
class AskRemoval:
    """So many tasks are missing that a person is asked first."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """These tasks were taken out of the file."""

    ids: tuple[str, ...]


#: What may follow from one entry.
Action = Edit | Retry | Cancel | Conflict | Refuse | Duplicate

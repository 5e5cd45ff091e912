"""What stands in a queue file, entry by entry: read with suspicion, given ids, nothing of it lost. Pure.

An entry that breaks the contract becomes a `RefusedTask` that keeps its text; an entry without an id gets
one from its own words, so that reading the same words again never doubles it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from errors import InvalidFile, InvalidTask
from redaction import clean
from runtime_contract import (
    DEFAULT_API_ENDPOINT,
    ENDED,
    ID_PATTERN,
    MACHINE_KEYS,
    QUEUE_CONTRACT_VERSION,
    STATUS_READINGS,
    Limits,
    Status,
    normalize_task,
)
from statuses import DONE_ELSEWHERE
from store.queue_file import plain
from store.records import EndedTask, NewTask, RefusedTask
from store.transaction import dump

Section = Literal["tasks", "completed", "failed"]
SECTIONS: Final[tuple[Section, ...]] = ("tasks", "completed", "failed")
#: What counts in the place of a key at the top that is refused.
_STAND_INS: Final[Mapping[str, Any]] = {
    "api_endpoint": DEFAULT_API_ENDPOINT,
    "revision": None,
    "completed": [],
    "failed": [],
}
_LONGEST_SHOWN: Final = 80
_NO_TEXT: Final = "holds a lone surrogate, which is not text"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
#: fields by which things are named and found beside the id; nothing is taken out of a name that is shown
_NAMES: Final = ("id", "model", "identity_id", "run_id", "profile", "depends_on")
#: why a secret is refused there
NO_SECRETS: Final = "looks like a secret, and names are shown everywhere"
#: machine keys that mean nothing in a new entry; `status` keeps its place
_NOT_THE_USERS: Final = MACHINE_KEYS - {"status"}


class FileEntry(NamedTuple):
    """One object of a section, under the id it has or was given."""

    section: Section
    id: str
    raw: dict[str, Any]
    #: where it stands: ``tasks[3]``
    path: str

    @property
    def is_nameless(self) -> bool:
        """Whether it was written without an id."""
        return self.raw.get("id") is None


@dataclass(slots=True)
class QueueEntries:
    """A queue file, read."""

    #: the keys at the top in the user's order; the three lists are empty here
    top: dict[str, Any]
    revision: int | None
    #: every entry in the order of the file, but for twins; without an id, `id` is what its words give
    entries: list[FileEntry] = field(default_factory=list)
    #: entries by the id they have
    named: dict[str, FileEntry] = field(default_factory=dict)
    #: entries whose id an earlier one has
    twins: list[FileEntry] = field(default_factory=list)
    refused: list[RefusedTask] = field(default_factory=list)
    #: keys at the top that have no effect: name, rule, value
    refused_keys: list[tuple[str, str, str]] = field(default_factory=list)
    #: whether every list could be read; where not, a task that is missing may stand in what could not be
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Namesake:
    """A known task whose id was made of certain words."""

    id: str
    #: revision of the file that first showed it
    first_shown: int | None


def read(parsed: object) -> QueueEntries:
    """Take a parsed file apart. Raises `InvalidFile` where `version` or `tasks` is wrong."""
    if not isinstance(parsed, dict):
        raise InvalidFile('the file must be an object such as {"tasks": []}', line=1, column=1)
    no_text = {key: value for key, value in parsed.items() if surrogate_at({key: None}, "") is not None}
    parsed = {key: value for key, value in parsed.items() if key not in no_text}
    _check_top(parsed)
    wrong = _wrong_keys(parsed)
    counted = parsed | {key: _STAND_INS[key] for key in wrong}
    found = QueueEntries(top=_top_of(counted), revision=counted.get("revision"))
    found.refused_keys += [(ascii(key)[1:-1], _NO_TEXT, dump(value)) for key, value in no_text.items()]
    found.refused_keys += [(key, rule, dump(parsed[key])) for key, rule in wrong.items()]
    found.is_whole = wrong.keys().isdisjoint(SECTIONS)
    for section in SECTIONS:
        for index, raw in enumerate(counted.get(section) or ()):
            _sort_in(found, section, raw, f"{section}[{index}]")
    return found


def _check_top(parsed: dict[str, Any]) -> None:
    """Raise `InvalidFile` for what leaves open how the file is to be read, or which tasks are wanted."""
    version, tasks = parsed.get("version", QUEUE_CONTRACT_VERSION), parsed.get("tasks", [])
    if not isinstance(version, str):
        way = "write it in quotes, or take the key out"
        told = f'version must be a text such as "{QUEUE_CONTRACT_VERSION}", got {_shown(version)}; {way}'
        raise InvalidFile(told, key="version")
    if not isinstance(tasks, list):
        way = "write the list, or delete the file: it is written again, and nothing is cancelled by that"
        raise InvalidFile(f"tasks must be a list, got {_shown(tasks)}; {way}", key="tasks")


def _shown(value: object) -> str:
    """A value in the file's own words, as far as a message has room for it."""
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _wrong_keys(parsed: dict[str, Any]) -> dict[str, str]:
    """The keys at the top whose values cost only themselves, each with the rule that it breaks."""
    wrong = {
        key: "must be a list, or it is passed over"
        for key in ("completed", "failed")
        if not isinstance(parsed.get(key), list | None)
    }
    revision, endpoint = parsed.get("revision"), parsed.get("api_endpoint", DEFAULT_API_ENDPOINT)
    if revision is not None and type(revision) is not int:
        wrong["revision"] = "must be a whole number, or the file counts as one without a revision"
    if not isinstance(endpoint, str) or not _is_loopback(endpoint):
        wrong["api_endpoint"] = "must be a loopback http address (127.0.0.1, localhost or ::1)"
    return wrong


def _top_of(parsed: dict[str, Any]) -> dict[str, Any]:
    return {key: [] if key in SECTIONS else value for key, value in parsed.items()}


def _is_loopback(endpoint: str) -> bool:
    if not (endpoint.isascii() and endpoint.isprintable()):  # `urlsplit` passes over line breaks and tabs
        return False
    try:
        address = urlsplit(endpoint)
        return address.scheme == "http" and address.hostname in _LOOPBACK and not address.username
    except ValueError:
        return False


def _sort_in(found: QueueEntries, section: Section, raw: object, path: str) -> None:
    if not isinstance(raw, dict):
        found.refused.append(refuse(raw, f"{path}: must be an object", path))
        return
    written = raw.get("id")
    if written is None:
        found.entries.append(FileEntry(section, id_of_words(raw), raw, path))
    elif not isinstance(written, str):
        found.refused.append(refuse(raw, f"{path}.id: must be a text, got {written!a}", f"{path}.id"))
    elif written in found.named:
        found.twins.append(FileEntry(section, written, raw, path))
    else:
        found.named[written] = FileEntry(section, written, raw, path)
        found.entries.append(found.named[written])


def id_of_words(raw: Mapping[str, Any]) -> str:
    """The id of an entry that has none: the same words, in any order of keys, give the same id."""
    words = {key: value for key, value in raw.items() if key not in MACHINE_KEYS and key != "id"}
    return f"task-{short_hash(words)}"


def short_hash(value: object) -> str:
    """Ten hex digits that stand for a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def surrogate_at(entry: Mapping[str, Any], path: str) -> str | None:
    """The path of the first field of an entry that holds a lone surrogate, which is not text; or none."""
    for key, value in entry.items():
        try:
            json.dumps({key: value}, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return f"{path}.{ascii(key)[1:-1]}"
    return None


def refuse(
    raw: object, reason: str, path: str, *, task_id: str | None = None, code: str = "invalid_task"
) -> RefusedTask:
    """An entry that cannot be taken, under its own id where that is good and free."""
    return RefusedTask(task_id or f"invalid-{short_hash(raw)}", reason, path, dump(raw), code)


def give_ids(found: QueueEntries, namesakes: Mapping[str, Sequence[Namesake]]) -> list[FileEntry]:
    """Every entry under the id it has or is to have, in the order of the file.

    `namesakes` are the known tasks by the id of their words. One that the file's revision already showed
    stands in the file itself or was taken out, so a further entry of its words is a new wish; the others are
    what this entry became when it was first read.
    """
    given: list[FileEntry] = []
    waiting: dict[str, list[str]] = {}
    used = set(found.named)
    for entry in found.entries:
        if not entry.is_nameless:
            given.append(entry)
            continue
        family = namesakes.get(entry.id, ())
        if entry.id not in waiting:
            unseen = (each.id for each in family if _is_unseen(each, found.revision))
            waiting[entry.id] = [task_id for task_id in unseen if task_id not in found.named]
        same = waiting[entry.id]
        task_id = same.pop(0) if same else _next_free(entry.id, used, family)
        used.add(task_id)
        given.append(FileEntry(entry.section, task_id, entry.raw, entry.path))
    return given


def _is_unseen(known: Namesake, revision: int | None) -> bool:
    return revision is None or known.first_shown is None or known.first_shown > revision


def _next_free(base: str, used: Collection[str], family: Sequence[Namesake]) -> str:
    known = {each.id for each in family}
    number, task_id = 1, base
    while task_id in used or task_id in known:
        number += 1
        task_id = f"{base}-{number}"
    return task_id


def admit_all(entries: Iterable[FileEntry], limits: Limits) -> list[NewTask | RefusedTask | EndedTask]:
    """Judge entries whose ids nobody has."""
    return [admit(entry, limits) for entry in entries]


def admit(entry: FileEntry, limits: Limits) -> NewTask | RefusedTask | EndedTask:
    """Judge one entry whose id nobody has."""
    named = secret_in_a_name(entry.raw | {"id": entry.id}, entry.path)
    if named is not None:
        return refuse(entry.raw, f"{named}: {NO_SECRETS}", named)
    if entry.section == "tasks":
        found = plain.read(entry.raw, entry.id, limits)
        if found is not None:
            return found
    own_id = entry.id if ID_PATTERN.fullmatch(entry.id) else None
    doc = with_id(entry.raw, entry.id)
    where = surrogate_at(doc, entry.path)
    if where is not None:
        return refuse(entry.raw, f"{where}: {_NO_TEXT}", where, task_id=own_id)
    if own_id is not None and entry.section == "completed":
        return EndedTask(own_id, Status.APPROVED, doc)
    try:
        words, is_ended = without_machine_keys(doc), _is_ended(entry)
        task, document = normalize_task(words, limits, entry.path, is_ended=is_ended)
    except InvalidTask as error:
        path = error.details.get("path", entry.path)
        return refuse(entry.raw, error.message, path, task_id=own_id)
    reading = Status.APPROVED if task.status in DONE_ELSEWHERE else STATUS_READINGS[task.status]
    if entry.section == "failed":
        return EndedTask(task.id, reading if reading in ENDED - {Status.APPROVED} else Status.FAILED, doc)
    return EndedTask(task.id, reading, doc) if reading in ENDED else NewTask(task, document)


def _is_ended(entry: FileEntry) -> bool:
    """Whether a new entry says that it was done elsewhere: it is entered as that and does not run."""
    word = str(entry.raw.get("status"))
    return entry.section == "failed" or word in DONE_ELSEWHERE or STATUS_READINGS.get(word) in ENDED


def secret_in_a_name(doc: Mapping[str, Any], path: str) -> str | None:
    """The path of the first field by which things are named and found that holds a secret; or none."""
    return next((f"{path}.{name}" for name in _NAMES if name in doc and _has_secret(doc[name])), None)


def _has_secret(name: object) -> bool:
    """Whether a name, or one of a list of names, holds something that the sink of secrets would take out."""
    if isinstance(name, list):
        return any(map(_has_secret, name))
    return isinstance(name, str) and clean(name) != name


def with_id(raw: Mapping[str, Any], task_id: str) -> dict[str, Any]:
    """The same keys, the id among them; first where it was missing."""
    if raw.get("id") is not None:
        return dict(raw)
    return {"id": task_id} | {key: value for key, value in raw.items() if key != "id"}


def without_machine_keys(doc: Mapping[str, Any]) -> dict[str, Any]:
    """A document without what only Skep writes, but for the place of `status`."""
    return {key: value for key, value in doc.items() if key not in _NOT_THE_USERS}

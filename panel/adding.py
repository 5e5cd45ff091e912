"""Tasks that are brought to the panel: read and judged as `skep add` does it, entered or only looked at."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from errors import InvalidFile, InvalidTask, SkepError
from panel.context import Panel
from panel.words import count_of
from redaction import clean, clean_value
from runtime_contract import FIELD_ALIASES, Limits, Task, normalize_task
from store.adding import add_all
from store.queue_file import strict_json
from store.records import NewTask
from store.task_file import Judge, Refusal, read
from store.transaction import dump

#: How a text is read: JSON in any of its forms, or a task a line.
Reading = Literal["json", "prompts", "commands"]
#: Tasks of one transaction: about 10 ms of the writing lock.
BATCH: Final = 250
#: Tasks of which it is told what would become of them; of more only whether they break the contract.
MOST_FORETOLD: Final = 20
#: Fields of one task whose errors are told at once.
_MOST_ERRORS: Final = 10
_LINE_FIELD: Final[dict[str, str]] = {"prompts": "prompt", "commands": "command"}
_KNOWN_KEYS: Final = frozenset(Task.model_fields) | {
    alias for aliases in FIELD_ALIASES.values() for alias in aliases
}


@dataclass(slots=True)
class Entry:
    """One task as it was brought, and what came of it."""

    index: int
    judged: NewTask | Refusal
    #: as it was written; none where it could not be read
    raw: Any = None
    state: Literal["good", "added", "known", "refused"] = "good"
    errors: list[dict[str, str | None]] = field(default_factory=list)

    @property
    def id(self) -> str | None:
        """Its id, where it has or was given one."""
        return self.judged.task.id if isinstance(self.judged, NewTask) else self.judged.id

    def as_json(self, where: str) -> dict[str, Any]:
        """What came of it, as the API tells it."""
        told = {"index": self.index, "where": where, "id": self.id, "state": self.state}
        shown: dict[str, Any] = clean_value(told | {"errors": self.errors})
        return shown


@dataclass(slots=True)
class Brought:
    """All that was brought, in its order."""

    entries: list[Entry]
    #: by id where a good one stands
    where: dict[str, str]

    def of_state(self, state: str) -> list[Entry]:
        """Those that something came of."""
        return [entry for entry in self.entries if entry.state == state]

    def as_json(self) -> list[dict[str, Any]]:
        """What came of each."""
        return [entry.as_json(self.place(entry)) for entry in self.entries]

    def place(self, entry: Entry) -> str:
        """Where an entry stands: ``tasks[3]``, ``line 7``."""
        if isinstance(entry.judged, Refusal):
            return entry.judged.where
        return self.where.get(entry.judged.task.id, f"tasks[{entry.index}]")


def bring(tasks: Sequence[Any] | None, text: str, reading: Reading, limits: Limits) -> Brought:
    """Read and judge tasks. Raises `InvalidFile` for a text that is no JSON in any form."""
    seen = _Remembering(limits)
    if tasks is not None:
        for index, raw in enumerate(tasks):
            seen.judge(raw, f"tasks[{index}]")
    elif reading == "json" and text.strip():
        for refused in read(io.BytesIO(text.encode()), _name_of(text, limits), seen):
            seen.note(refused)
    else:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                seen.judge({_LINE_FIELD[reading]: line.strip()}, f"line {number}")
    for entry in seen.entries:
        if isinstance(entry.judged, Refusal):
            entry.state, entry.errors = "refused", errors_of(entry.raw, entry.judged, limits)
    return Brought(seen.entries, seen.seen)


def _name_of(text: str, limits: Limits) -> str:
    """What a text would be called as a file: one JSON value, or one a line."""
    try:
        strict_json.parse(text.encode(), limits)
    except InvalidFile:
        is_one = text.lstrip().startswith("[") or len(text.strip().splitlines()) < 2
        return "pasted.json" if is_one else "pasted.jsonl"
    return "pasted.json"


@dataclass(slots=True)
class _Remembering(Judge):
    """A judge that remembers what it was shown."""

    entries: list[Entry] = field(default_factory=list)

    def judge(self, raw: object, where: str) -> NewTask | Refusal:
        """The task of an entry, or why it is none."""
        judged = Judge.judge(self, raw, where)
        self.entries.append(Entry(len(self.entries), judged, raw))
        return judged

    def note(self, judged: NewTask | Refusal) -> None:
        """What was not brought to the judge, since it could not be read."""
        if not any(entry.judged is judged for entry in self.entries[-1:]):
            self.entries.append(Entry(len(self.entries), judged))


def errors_of(raw: object, refused: Refusal, limits: Limits) -> list[dict[str, str | None]]:
    """Every field of an entry that breaks the contract, the first as it was told."""
    errors: list[dict[str, str | None]] = [{"field": refused.field, "message": refused.reason}]
    left = dict(raw) if isinstance(raw, dict) else {}
    told = {refused.field}
    name = refused.field
    while name is not None and _top(name) in left and len(errors) < _MOST_ERRORS:
        del left[_top(name)]
        try:
            normalize_task({"id": "task", **left}, limits)
            break
        except InvalidTask as error:
            name = str(error.details.get("path", "")).removeprefix("task.")
            if name in told or _top(name) not in left:
                break
            told.add(name)
            errors.append({"field": name, "message": error.message.removeprefix("task.")})
    return errors


def _top(name: str) -> str:
    return name.partition(".")[0].partition("[")[0]


def enter(here: Panel, brought: Brought, by: str) -> str:
    """Enter what is good; the sentence that says what was done.

    An entry whose id is known is no error where it says what that task says: it was sent twice.
    """
    good = brought.of_state("good")
    added = add_all(here.store, (entry.judged for entry in good), brought.where, by, BATCH)
    entered = set(added.ids)
    for entry in good:
        if entry.id in entered:
            entry.state = "added"
        elif _is_same(here, entry):
            entry.state = "known"
        else:
            _refuse_known(entry)
    return _told(brought)


def _refuse_known(entry: Entry) -> None:
    message = f"a task {entry.id!r} is known already; give another id, or edit that one"
    entry.state, entry.errors = "refused", [{"field": "id", "message": message}]


def _is_same(here: Panel, entry: Entry) -> bool:
    judged = entry.judged
    return isinstance(judged, NewTask) and _stands_so(here, judged)


def _stands_so(here: Panel, judged: NewTask) -> bool:
    """Whether the task that has this id says the same."""
    row = here.reader.task(judged.task.id)
    return row is not None and json.loads(row["doc"]) == judged.doc


def _told(brought: Brought) -> str:
    counts = {state: len(brought.of_state(state)) for state in ("added", "known", "refused")}
    if counts["added"] == len(brought.entries) == 1:
        return f"{brought.entries[0].id} is in the queue."
    told = [f"{count_of(counts['added'], 'task')} added"]
    told += [f"{counts['known']:,} known already"] if counts["known"] else []
    told += [f"{counts['refused']:,} refused"] if counts["refused"] else []
    return ", ".join(told) + "."


def look(here: Panel, brought: Brought) -> Iterator[dict[str, Any]]:
    """What would come of each entry; nothing is entered."""
    named = [entry.id for entry in brought.of_state("good") if _is_named(entry)]
    known = {row["id"] for row in here.reader.all("states_of", ids=dump(named))}
    left = MOST_FORETOLD
    for entry in brought.entries:
        if entry.state == "good" and entry.id in known and not _is_same(here, entry):
            _refuse_known(entry)
        told = entry.as_json(brought.place(entry))
        judged = entry.judged
        if isinstance(judged, NewTask) and entry.state == "good":
            told["id"] = judged.task.id if _is_named(entry) else None
            told["notes"] = [clean(note) for note in _notes(here, judged, known)]
            told["foretold"] = _foretold(here, judged.task) if left > 0 else None
            left -= 1
        yield told


def _foretold(here: Panel, task: Task) -> dict[str, Any]:
    """What would become of a task, or why that cannot be told."""
    try:
        return here.foreteller.tell(task) | {"trouble": None}
    except SkepError as error:
        return dict.fromkeys(("safety", "route", "plan", "cost")) | {"trouble": clean(error.message)}


def _is_named(entry: Entry) -> bool:
    return isinstance(entry.raw, dict) and entry.raw.get("id") is not None


def _notes(here: Panel, judged: NewTask, known: set[str]) -> Iterator[str]:
    """What is no error and may not be meant."""
    task = judged.task
    if task.id in known:
        yield f"{task.id} is in the queue already, with these very words; it is not added twice."
    unknown = [key for key in judged.doc if key not in _KNOWN_KEYS]
    if unknown:
        yield f"{', '.join(unknown[:5])}: kept, but no field that has an effect."
    missing = set(task.depends_on) - {
        row["id"] for row in here.reader.all("states_of", ids=dump(task.depends_on))
    }
    if missing:
        yield f"it waits for {', '.join(sorted(missing)[:5])}, which does not exist yet."

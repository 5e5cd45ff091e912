"""A task as a person is given it to edit, and what comes back: the same rules for every face."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from errors import InvalidTask, TransitionNotAllowed
from redaction import clean_value
from runtime_contract import ENDED, ID_PATTERN, Limits
from store import lost_runs
from store.queue_file import entries, merge
from store.queue_file.apply import checker
from store.records import STATUS_OF_STATE, NewTask, RefusedTask

#: What stands in the place of a secret that was taken out.
_MARK: Final = re.compile(r"\[redacted:[a-z0-9_-]+\]")
#: The number at the end of an id that was given to a copy.
_NUMBER: Final = re.compile(r"-[0-9]{1,3}$")
_LONGEST_STEM: Final = 120
#: Copies of one task that are numbered.
_MOST_COPIES: Final = 1000


def is_editable(row: sqlite3.Row) -> bool:
    """Whether a change could have an effect: the task is open, or was refused and can be corrected."""
    return STATUS_OF_STATE[row["state"]] not in ENDED or row["code"] in merge.REFUSED_CODES


def document(row: sqlite3.Row) -> dict[str, Any]:
    """The task as it is shown; of a refused entry what was written, as the prompt where it was no object."""
    doc: dict[str, Any] = json.loads(row["doc"])
    if row["code"] in merge.REFUSED_CODES and isinstance(doc.get("raw"), str):
        try:
            written = json.loads(doc["raw"])
        except ValueError:
            return doc
        if isinstance(written, dict):
            return {**written, "id": row["id"]}
        return {"id": row["id"], "prompt": written if isinstance(written, str) else doc["raw"]}
    return doc


def copy_of(row: sqlite3.Row, task_id: str) -> dict[str, Any]:
    """The task as a new one of another id: without what only Skep writes."""
    doc = entries.without_machine_keys(document(row))
    told = {name: value for name, value in doc.items() if name not in {"id", "status"}}
    return {"id": task_id} if lost_runs.is_text_lost(doc) else {"id": task_id} | told


def free_id(task_id: str, is_known: Callable[[str], bool]) -> str:
    """An id for a copy: that of the task with the next number behind it that nobody has."""
    own = task_id.rpartition(":")[2]
    stem = _NUMBER.sub("", own)[:_LONGEST_STEM] if ID_PATTERN.fullmatch(own) else "task"
    numbered = (f"{stem}-{number}" for number in range(2, _MOST_COPIES))
    return next((each for each in numbered if not is_known(each)), f"{stem}-{_MOST_COPIES}")


def restored(edited: Any, kept: Any, path: str = "task") -> Any:
    """What a person sends back, with the secrets they were not shown put back in their places.

    Raises `InvalidTask` where a text was changed around a secret's mark, so that its place is not known.
    """
    if edited == clean_value(kept):
        return kept
    if isinstance(edited, dict) and isinstance(kept, dict):
        return {name: _restored_member(name, value, kept, path) for name, value in edited.items()}
    if isinstance(edited, list) and isinstance(kept, list) and len(edited) == len(kept):
        pairs = enumerate(zip(edited, kept, strict=True))
        return [restored(new, old, f"{path}[{at}]") for at, (new, old) in pairs]
    if isinstance(edited, str) and any(mark not in str(kept) for mark in _MARK.findall(edited)):
        raise InvalidTask(
            f"{path}: holds a mark in place of a secret; write the secret itself, or edit the task with "
            "`skep edit`, which shows it",
            path=path,
        )
    return edited


def _restored_member(name: str, value: Any, kept: dict[str, Any], path: str) -> Any:
    if name in kept and clean_value({name: kept[name]})[name] == value:
        return kept[name]
    return restored(value, kept.get(name), f"{path}.{name}")


def check_edit(task_id: str, doc: dict[str, Any], limits: Limits) -> None:
    """Raise `InvalidTask` where the text of a task breaks the contract."""
    checker(limits)(entries.without_machine_keys({**doc, "id": task_id}))


def new_task(doc: dict[str, Any], limits: Limits, is_known: Callable[[str], bool]) -> NewTask:
    """The task that a document describes, to be entered. Raises `InvalidTask`, `TransitionNotAllowed`."""
    task_id = doc.get("id")
    if not isinstance(task_id, str):
        raise InvalidTask("task.id: must be a text", path="task.id")
    if is_known(task_id):
        raise TransitionNotAllowed(f"task.id: there is a task {task_id!r} already; give another id.")
    found = entries.admit(entries.FileEntry("tasks", task_id, doc, "task"), limits)
    if isinstance(found, RefusedTask):
        raise InvalidTask(found.reason, path=found.path)
    if not isinstance(found, NewTask):
        raise InvalidTask("task.status: it says that the task has ended; leave it out", path="task.status")
    return found

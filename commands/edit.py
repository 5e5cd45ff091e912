"""``skep edit``: only the chosen tasks, in the person's own editor, against the versions that were shown."""

from __future__ import annotations

import fnmatch
import functools
import json
import os
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import click

from commands import edit_file, terminal
from commands.exits import FAILED, FINE, problem, sentence
from commands.list import read_statuses
from commands.place import Place, json_option, with_place
from commands.task_id import offer_ids
from errors import NotFound, SkepError, StoreError
from runtime_contract import Status
from store.queue_file import plain_files
from store.queue_file.apply import EditResult, Rules, edit_task
from store.reading import Reader
from store.records import STATUS_OF_STATE
from store.sqlite_store import SqliteStore

#: Tasks opened at once; more is work for a program and `queue.json`.
MOST: Final = 500
_CORRECTED: Final = frozenset({"invalid_task", "duplicate_id"})
_OPEN: Final = (Status.PENDING, Status.IN_PROGRESS, Status.PENDING_REVIEW)


@click.command(
    help="""Change tasks in your editor ($VISUAL, $EDITOR, else vi). FILTER is an id or a pattern
    of ids; without one every pending task is opened.

    What is saved is checked; while something is wrong the editor opens again and says
    what. Where a task was changed by somebody else meanwhile, fields that both
    changed stay as they are, and your text is kept in conflicts/.

    Example: skep edit 'report-*' --status pending"""
)
@click.argument("pattern", metavar="[FILTER]", required=False, shell_complete=offer_ids)
@click.option(
    "--status", "statuses", multiple=True, callback=read_statuses, metavar="STATUS", help="Only these."
)
@click.option("--retry", "send_back", is_flag=True, help="Send tasks that have ended back to the queue.")
@json_option
@with_place
def edit(place: Place, pattern: str | None, statuses: tuple[str, ...], send_back: bool, as_json: bool) -> int:
    """Edit tasks."""
    with place.reader() as reader:
        rows = choose(reader, pattern, statuses)
    if not rows:
        raise NotFound(f"No task fits {pattern!r}." if pattern else "No task is open to be edited.")
    shown = {row["id"]: document(row) for row in rows}
    check = functools.partial(edit_file.read, known=list(shown), limits=place.settings.limits)
    saved = edit_file.edit_until_good(edit_file.editor(os.environ), list(shown.values()), check)
    changed = {name: doc for name, doc in (saved or {}).items() if doc != shown[name]}
    if send_back:
        changed = shown | (saved or {})
    versions = {row["id"]: row["version"] for row in rows}
    with place.store() as store:
        return _apply(Editing(place, store, versions, send_back), changed, as_json)


def choose(reader: Reader, pattern: str | None, statuses: Sequence[str]) -> list[sqlite3.Row]:
    """The tasks to open. Raises `click.UsageError` for too many."""
    exact = reader.task(pattern) if pattern else None
    if exact is not None and (not statuses or STATUS_OF_STATE[exact["state"]].value in statuses):
        return [exact]
    wanted = statuses or (() if pattern else (Status.PENDING.value,))
    found = [
        row
        for row in reader.tasks(wanted)
        if (pattern is None or fnmatch.fnmatchcase(row["id"], pattern)) and (statuses or is_editable(row))
    ]
    if len(found) > MOST:
        raise click.UsageError(
            f"{len(found):,} tasks fit; {MOST} are the most that are opened. Choose fewer."
        )
    return found


def is_editable(row: sqlite3.Row) -> bool:
    """Whether a change could have an effect: the task is open, or was refused and can be corrected."""
    return STATUS_OF_STATE[row["state"]] in _OPEN or row["code"] in _CORRECTED


def document(row: sqlite3.Row) -> dict[str, Any]:
    """The task as it is shown; of a refused entry what was written."""
    doc: dict[str, Any] = json.loads(row["doc"])
    if row["code"] in _CORRECTED and isinstance(doc.get("raw"), str):
        try:
            written = json.loads(doc["raw"])
        except ValueError:
            return doc
        if isinstance(written, dict):
            return {**written, "id": row["id"]}
    return doc


class Editing:
    """Applies edits, each against the version that was shown."""

    def __init__(self, place: Place, store: SqliteStore, versions: dict[str, int], send_back: bool) -> None:
        self._by = place.by
        self._conflicts = place.home.conflicts
        self._store = store
        self._versions = versions
        self._send_back = send_back
        self._rules = Rules(place.settings.limits, store.limits, self._keep_text)

    def apply(self, task_id: str, doc: dict[str, Any]) -> EditResult:
        """Apply one. Raises `NotFound`, `InvalidTask`, `TransitionNotAllowed`."""
        return self._store.write(
            lambda tx: edit_task(
                tx, task_id, self._versions[task_id], doc, self._by, self._rules, send_back=self._send_back
            )
        )

    def _keep_text(self, task_id: str, revision: int | None, text: str) -> str:
        name = plain_files.name_for(task_id, revision, text)
        return f"{self._conflicts.name}/{plain_files.keep_aside(self._conflicts, name, text).name}"


def _apply(editing: Editing, changed: dict[str, dict[str, Any]], as_json: bool) -> int:
    told = []
    code = FINE
    for task_id, doc in changed.items():
        try:
            result = editing.apply(task_id, doc)
        except StoreError:
            raise
        except SkepError as error:
            code = FAILED
            terminal.note(f"skep edit: {sentence(error)}")
            told.append({"id": task_id, "ok": False, "error": problem(error)})
        else:
            code = FAILED if result.conflicts else code
            told.append(_to_json(task_id, result))
            _tell(task_id, result, as_json)
    if as_json:
        terminal.print_json({"results": told})
    elif not changed:
        click.echo("Nothing was changed.")
    return code


def _to_json(task_id: str, result: EditResult) -> dict[str, Any]:
    return {
        "id": task_id,
        "ok": not result.conflicts,
        "version": result.version,
        "fields": list(result.fields),
        "conflicts": list(result.conflicts),
        "note": result.note,
        "retried": result.retried,
    }


def _tell(task_id: str, result: EditResult, as_json: bool) -> None:
    if result.conflicts:
        fields = ", ".join(result.conflicts)
        terminal.note(
            f"skep edit: {task_id}: somebody else changed {fields} meanwhile; that stays, and your text is "
            "kept in conflicts/"
        )
    if not as_json:
        words = [f"changed {', '.join(result.fields)}" if result.fields else "not changed"]
        words += ["is back in the queue"] if result.retried else []
        words += [result.note] if result.note else []
        click.echo(terminal.clean(f"{task_id}: {'; '.join(words)}"))

"""``skep edit``: only the chosen tasks, in the person's own editor, against the versions that were shown."""

from __future__ import annotations

import fnmatch
import functools
import os
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from commands import edit_file, terminal
from commands.exits import FAILED, FINE, problem, sentence
from commands.list import offer_statuses, read_statuses
from commands.place import Place, json_option, with_place
from commands.task_id import offer_ids
from errors import NotFound, SkepError, StoreError
from redaction import clean
from runtime_contract import Status
from store import lost_runs
from store.editing import document, is_editable
from store.queue_file.apply import EditResult
from store.reading import Reader
from store.records import STATUS_OF_STATE

#: Tasks opened at once; more is work for a program and `queue.json`.
MOST: Final = 500
#: Applies the edit of a task, by its id and its new text.
Apply = Callable[[str, dict[str, Any]], EditResult]


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
    "--status", "statuses", multiple=True, callback=read_statuses, shell_complete=offer_statuses,
    metavar="STATUS", help="Only these.",
)  # fmt: skip
@click.option("--retry", "send_back", is_flag=True, help="Send tasks that have ended back to the queue.")
@json_option
@with_place
def edit(place: Place, pattern: str | None, statuses: tuple[str, ...], send_back: bool, as_json: bool) -> int:
    """Edit tasks."""
    with place.reader() as reader:
        rows = choose(reader, pattern, statuses)
        if len(rows) == 1:
            lost_runs.check_task(reader, rows[0])
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

        def apply(task_id: str, doc: dict[str, Any]) -> EditResult:
            return store.edit(task_id, versions[task_id], doc, place.by, send_back=send_back)

        return _apply(apply, changed, as_json)


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


def _apply(apply: Apply, changed: dict[str, dict[str, Any]], as_json: bool) -> int:
    told = []
    code = FINE
    for task_id, doc in changed.items():
        try:
            result = apply(task_id, doc)
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
        "fields": [*map(clean, result.fields)],
        "conflicts": [*map(clean, result.conflicts)],
        "note": result.note,
        "retried": result.retried,
    }


def _tell(task_id: str, result: EditResult, as_json: bool) -> None:
    if result.conflicts:
        fields = ", ".join(map(clean, result.conflicts))
        terminal.note(
            f"skep edit: {task_id}: somebody else changed {fields} meanwhile; that stays, and your text is "
            "kept in conflicts/"
        )
    if not as_json:
        words = [f"changed {', '.join(map(clean, result.fields))}" if result.fields else "not changed"]
        words += ["is back in the queue"] if result.retried else []
        words += [result.note] if result.note else []
        click.echo(terminal.clean(f"{task_id}: {'; '.join(words)}"))

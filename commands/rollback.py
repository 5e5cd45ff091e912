"""``skep rollback``: files of the workspace as a checkpoint kept them; shown first, done with ``--yes``."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import click

from commands import terminal
from commands.exits import FAILED, FINE
from commands.place import Place, json_option, with_place
from commands.task_id import offer_ids
from errors import NotFound
from review.checkpoints import telling
from review.checkpoints.keeping import Keeper
from review.checkpoints.planning import Step
from review.checkpoints.restoring import Rollback
from store import checkpoints
from store.reading import Reader

_BY_NUMBER: Final = re.compile(r"checkpoint:([0-9]{1,18})")
#: Paths that are told one by one to a person.
MOST_SHOWN: Final = 200
_COLOURS: Final = {"create": "green", "change": "yellow", "delete": "red", "leave": "magenta"}


@click.command(
    help="""Show what would change if the files that the checkpoint of a task changed, whoever did
    it, were brought back to how they were when the task was approved; with --yes, do it.

    The state until then is kept as a checkpoint first, and its number is told:
    `skep rollback checkpoint:12 --all --yes` brings that back. What was changed since
    is marked and comes first. Works without a daemon; not while commands run.

    Example: skep rollback t-1 --before"""
)
@click.argument("subject", metavar="ID", shell_complete=offer_ids)
@click.option("--before", "to_before", is_flag=True, help="To the last state kept before the task.")
@click.option(
    "--all", "all_of_it", is_flag=True, help="All files of the checkpoint; others in the workspace go."
)
@click.option("--yes", is_flag=True, help="Do it.")
@json_option
@with_place
def rollback(place: Place, subject: str, to_before: bool, all_of_it: bool, yes: bool, as_json: bool) -> int:
    """Preview or do a rollback."""
    with place.store() as store:
        row = _find(store.reader, subject)
        keeper = Keeper(place.home, place.settings, store)
        planned = Rollback(place.home, store, keeper, row["number"], to_before=to_before, all_of_it=all_of_it)
        steps, kept_as = planned.restore(place.by) if yes else (planned.preview(), None)
    _tell(row, steps, kept_as, is_preview=not yes, to_before=to_before, as_json=as_json)
    return FAILED if yes and any(step.action == "leave" for step in steps) else FINE


def _find(reader: Reader, subject: str) -> sqlite3.Row:
    """The checkpoint that is named by its task or its number. Raises `NotFound`."""
    by_number = _BY_NUMBER.fullmatch(subject)
    if by_number is not None:
        row = reader.one("get_checkpoint", number=int(by_number[1]))
    else:
        row = checkpoints.of_task(reader, subject)
    if row is None or row["state"] != "made":
        raise NotFound(f"{subject!r} has no checkpoint: {_why_none(reader, subject)}")
    return row


def _why_none(reader: Reader, subject: str) -> str:
    task = reader.task(subject)
    if task is None:
        return "there is no such task or checkpoint."
    newest = reader.one("newest_checkpoint_of", task=task["seq"])
    if newest is not None:
        return newest["reason"] if newest["state"] == "failed" else "it is still to be made."
    return "one is kept when a task is approved whose command may change files of the workspace."


def _tell(
    row: sqlite3.Row,
    steps: Sequence[Step],
    kept_as: int | None,
    *,
    is_preview: bool,
    to_before: bool,
    as_json: bool,
) -> None:
    doing, tally = telling.in_order(steps), telling.tally_of(steps)
    if as_json:
        terminal.print_json(
            {
                "checkpoint": row["number"],
                "task_id": row["task_id"],
                "commit": row["commit_id"],
                "done": kept_as is not None,
                "kept_as": kept_as,
                "same": tally.same,
                "changed_since": tally.newer,
                "left": tally.left,
                "paths": [_as_json(step) for step in doing],
            }
        )
        return
    for step in doing[:MOST_SHOWN]:
        click.echo(click.style(_line(step), fg=_COLOURS.get(step.action)))
    if len(doing) > MOST_SHOWN:
        click.echo(_more(doing[MOST_SHOWN:]))
    click.echo(_question(row, tally, to_before=to_before) if is_preview else _came_to(tally, kept_as))


def _more(rest: Sequence[Step]) -> str:
    """What is not told path by path."""
    count = len(telling.newer(rest))
    since = f", {count:,} of them changed since" if count else ""
    return f"... and {len(rest):,} more{since} (--json tells all)"


def _question(row: sqlite3.Row, tally: telling.Tally, *, to_before: bool) -> str:
    """What `--yes` would do."""
    if not tally.count:
        return _came_to(tally, None)
    kept = f"checkpoint:{row['number']}"
    goal = telling.goal(terminal.clean(row["task_id"] or kept)) if to_before else f"how {kept} left them"
    return telling.joined(
        f"Nothing was changed; --yes brings {telling.files(tally.count)} back to {goal}.",
        telling.GOES if to_before else "",
        telling.newer_told(tally.newer),
        telling.left_told(tally.left),
    )


def _came_to(tally: telling.Tally, kept_as: int | None) -> str:
    """What was done."""
    left = telling.left_told(tally.left)
    if kept_as is not None:
        return telling.joined(left, f"What was there before is checkpoint:{kept_as}.")
    return f"Nothing was changed. {left}" if left else "The files are so already."


def _line(step: Step) -> str:
    since = " (changed since)" if step.is_newer else ""
    reason = f": left as it is, {step.reason}" if step.reason else ""
    return f"{step.action:<7} {terminal.name(os.fsdecode(step.path))}{since}{terminal.name(reason)}"


def _as_json(step: Step) -> dict[str, Any]:
    return {
        "path": os.fsencode(os.fsdecode(step.path)).decode("utf-8", "backslashreplace"),
        "action": step.action,
        "changed_since": step.is_newer,
        "reason": step.reason,
    }

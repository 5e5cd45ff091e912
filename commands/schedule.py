"""``skep schedule``: when recurring and delayed tasks run, and running, skipping or stopping one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import click

from clock import to_local_text
from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from commands.task_id import offer_ids
from redaction import clean_value
from store import timetable
from store.sqlite_store import SqliteStore

#: Rows of each table.
MOST_TOLD: Final = 500
WORDS_SHOWN: Final = 50  # characters of a task's words


@click.command(
    help="""Tell when recurring (`every`) and delayed (`not_before`) tasks run, in plain words and with
    the next times, by this machine's clock; or change it, beside a running daemon:

    `run ID` lets a delayed task go now, or puts one more occurrence of a schedule into the
    queue; its own times stay. `skip ID` lets the next time of a schedule pass. `stop ID`
    withdraws it; an occurrence that has not ended goes on.

    Example: skep schedule skip nightly-report"""
)
@click.argument("action", type=click.Choice(["list", "run", "skip", "stop"]), default="list", required=False)
@click.argument("task_id", metavar="[ID]", required=False, shell_complete=offer_ids)
@click.option("--reason", metavar="TEXT", help="Why, for the history. Only with stop.")
@json_option
@with_place
def schedule(place: Place, action: str, task_id: str | None, reason: str | None, as_json: bool) -> int:
    """Show when tasks run, or change it."""
    if (task_id is None) != (action == "list"):
        raise click.UsageError(f"Name the task: skep schedule {action} ID." if task_id is None else
                               "`skep schedule list` takes no ID.")  # fmt: skip
    if reason is not None and action != "stop":
        raise click.UsageError("--reason goes with `skep schedule stop`.")
    if task_id is None:
        _list(place, as_json=as_json)
        return FINE
    with place.store() as store:
        done = _change(store, action, task_id, place.by, reason)
    if as_json:
        terminal.print_json({"id": task_id, "result": done})
    else:
        click.echo(terminal.clean(done))
    return FINE


def _change(store: SqliteStore, action: str, task_id: str, by: str, reason: str | None) -> str:
    if action == "run":
        return store.run_now(task_id, by)
    if action == "skip":
        return store.skip_next(task_id, by)
    return store.stop_schedule(task_id, by, reason)


def _list(place: Place, *, as_json: bool) -> None:
    with place.reader() as reader:
        recurring = timetable.schedules(reader, MOST_TOLD)
        later = timetable.delayed(reader, MOST_TOLD)
    told: dict[str, Any] = clean_value({"schedules": recurring, "delayed": later})
    if as_json:
        terminal.print_json(told)
        return
    if not recurring and not later:
        click.echo('Nothing is scheduled; a task runs again and again with "every": "0 3 * * *".')
    if recurring:
        terminal.print_table(
            ("schedule", "runs", "next", "task"), list(map(_schedule_row, told["schedules"]))
        )
    if later:
        terminal.print_table(("delayed", "until", "why", "task"), list(map(_delayed_row, told["delayed"])))


def _schedule_row(each: dict[str, Any]) -> tuple[str, ...]:
    told = _local(each["next"][0]) if each["next"] else f"after {', '.join(each['waits_for'])}"
    return (each["id"], each["words"], told, terminal.shorten(each["work"], WORDS_SHOWN))


def _delayed_row(each: dict[str, Any]) -> tuple[str, ...]:
    work = terminal.shorten(each["work"], WORDS_SHOWN)
    return (each["id"], _local(each["not_before"]), each["reason"] or "it says so", work)


def _local(moment: str) -> str:
    return to_local_text(datetime.fromisoformat(moment).timestamp())

"""``skep list``: tasks, with what holds each."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from commands import terminal
from commands.exits import FINE
from commands.numbers import FROM_ONE
from commands.place import Place, json_option, with_place
from commands.task_view import brief
from runtime_contract import Status
from store.reading import PAGE, Reader
from store.waiting import Situation
from supervisor.daemon_state import has_unread_changes
from supervisor.presence import situation

#: Tasks shown to a person who names no limit.
SHOWN: Final = 50
#: Characters of what a task does that are read for a person, who is shown a line of them.
READ: Final = 1_000
UNREAD: Final = (
    "queue.json has changes that nobody has taken in, and no daemon runs: `skep up` takes them in."
)


def read_statuses(
    context: click.Context, parameter: click.Parameter, given: Sequence[str]
) -> tuple[str, ...]:
    """Statuses given one by one or with commas between them."""
    words = [word.strip() for text in given for word in text.split(",") if word.strip()]
    for word in words:
        if word not in set(Status):
            raise click.BadParameter(f"{word!r} is not one of {', '.join(Status)}")
    return tuple(words)


def offer_statuses(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The statuses that go on so, after those that stand before a comma."""
    before, comma, begun = incomplete.rpartition(",")
    return [f"{before}{comma}{status}" for status in Status if status.startswith(begun)]


@click.command(
    help="""List tasks, the newest last, with what each waits for.

    Example: skep list --status pending,failed --limit 20"""
)
@click.option(
    "--status", "statuses", multiple=True, callback=read_statuses, shell_complete=offer_statuses,
    metavar="STATUS", help=f"Only these: {', '.join(Status)}.",
)  # fmt: skip
@click.option("--tag", help="Only tasks with this tag.")
@click.option("--limit", type=FROM_ONE, help=f"The newest so many; default {SHOWN}, all with --json.")
@json_option
@with_place
def list_tasks(
    place: Place, statuses: tuple[str, ...], tag: str | None, limit: int | None, as_json: bool
) -> int:
    """List tasks."""
    most = limit if limit is not None or as_json else SHOWN
    with place.reader() as reader:
        longest = None if as_json else READ
        found, has_more = select(reader, situation(place.home, reader), statuses, tag, most, longest)
        if has_unread_changes(place.home, reader, place.settings.limits):
            terminal.note(UNREAD)
    if as_json:
        terminal.print_json({"tasks": found})
    else:
        show_tasks(found)
        if has_more:
            terminal.note(f"The newest {len(found)} are shown; `--limit N` shows more.")
    return FINE


def select(
    reader: Reader,
    now: Situation,
    statuses: Sequence[str],
    tag: str | None,
    most: int | None,
    longest: int | None = None,
) -> tuple[list[dict[str, Any]], bool]:
    """The newest tasks that were asked for, newest last, and whether there are more; see `brief`."""
    told = (brief(reader, row, now, longest) for row in newest_first(reader, statuses))
    fitting = (each for each in told if tag is None or tag in each["tags"])
    found = list(fitting if most is None else itertools.islice(fitting, most + 1))
    has_more = most is not None and len(found) > most
    return found[:most][::-1], has_more


def newest_first(reader: Reader, statuses: Sequence[str]) -> Iterator[sqlite3.Row]:
    """Tasks from the newest on, read in short pages."""
    before = None
    while page := reader.newest_tasks(statuses, PAGE, before):
        yield from page
        before = page[-1]["seq"]


def show_tasks(found: Sequence[dict[str, Any]]) -> None:
    """Tell a person of tasks."""
    if not found:
        click.echo("No tasks.")
        return
    rows = [
        (each["id"], each["status"], terminal.shorten(each["what"], 60), terminal.shorten(_why(each), 120))
        for each in found
    ]
    terminal.print_table(("id", "status", "what", "waits for, or how it went"), rows)


def _why(task: dict[str, Any]) -> str:
    if task["waiting_for"] is not None:
        return f"waiting for: {task['waiting_for']}"
    return str(task["reason"] or task["result_summary"] or "")

"""``skep events``: the history, as it was or as it happens."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any, Final, Protocol

import click
import jsonlines

from clock import to_local_text
from commands import terminal
from commands.exits import FINE
from commands.numbers import FROM_ONE, FROM_ZERO
from commands.place import Place, json_option, with_place
from commands.task_id import offer_ids
from errors import NotFound
from store.reading import Reader, event_of
from supervisor.daemon_state import look

POLL_S: Final = 0.05
#: Events shown to a person who names no limit, and before what comes with -f.
SHOWN: Final = 100
SHOWN_BEFORE: Final = 10


@click.command(
    help=f"""Print the history, of one task or of all, oldest first; with --json a line an event.

    A person sees the newest {SHOWN} unless --limit or --after says otherwise, --json
    gives all. With -f the newest {SHOWN_BEFORE} (or all after --after), then what happens.

    Example: skep events t-1 --json"""
)
@click.argument("task_id", metavar="[ID]", required=False, shell_complete=offer_ids)
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens.")
@click.option("--after", type=FROM_ZERO, metavar="SEQ", help="Only events after this one.")
@click.option("--limit", type=FROM_ONE, help="At most so many: the newest, or the first after --after.")
@json_option
@with_place
def events(
    place: Place, task_id: str | None, follow: bool, after: int | None, limit: int | None, as_json: bool
) -> int:
    """Print events."""
    with place.reader() as reader:
        if task_id is not None and reader.task(task_id) is None and not _has_events(reader, task_id):
            raise NotFound(
                f"There is no task {task_id!r}; `skep list` shows those there are.", task_id=task_id
            )
        printer: Printer = JsonPrinter() if as_json else LinePrinter(with_id=task_id is None)
        seen = after or 0
        for event in select(reader, task_id, after, limit or _default_limit(follow, after, as_json)):
            printer.print(event)
            seen = event["seq"]
        if follow:
            if not look(place.home).is_running:
                terminal.note("No daemon runs; `skep up` in another terminal makes things happen.")
            _follow(reader, task_id, seen, printer)
    return FINE


def _has_events(reader: Reader, task_id: str) -> bool:
    return bool(reader.all("last_events", task_id=task_id, limit=1))


def _default_limit(follow: bool, after: int | None, as_json: bool) -> int | None:
    if after is not None or (as_json and not follow):
        return None
    return SHOWN_BEFORE if follow else SHOWN


def select(
    reader: Reader, task_id: str | None, after: int | None, limit: int | None
) -> Iterator[dict[str, Any]]:
    """The events asked for, oldest first."""
    if after is None and limit is not None:
        yield from map(event_of, reader.all("last_events", task_id=task_id, limit=limit))
        return
    for number, row in enumerate(reader.events(after or 0, task_id)):
        if number == limit:
            return
        yield event_of(row)


def _follow(reader: Reader, task_id: str | None, seen: int, printer: Printer) -> None:
    """Print what happens until interrupted; SQLite tells cheaply whether anything has."""
    version = None
    while True:
        now = reader.data_version()
        if now != version:
            version = now
            for row in reader.events(seen, task_id):
                printer.print(event_of(row))
                seen = row["seq"]
            sys.stdout.flush()
        time.sleep(POLL_S)


class Printer(Protocol):
    """Prints events."""

    def print(self, event: dict[str, Any]) -> None:
        """Print one."""


class JsonPrinter:
    """A line of JSON an event."""

    def __init__(self) -> None:
        self._writer = jsonlines.Writer(sys.stdout, dumps=lambda value: terminal.to_json(value, indent=None))

    def print(self, event: dict[str, Any]) -> None:
        """Print one."""
        self._writer.write(event)


class LinePrinter:
    """A short line an event: when, what, which task, why."""

    def __init__(self, *, with_id: bool) -> None:
        self._with_id = with_id

    def print(self, event: dict[str, Any]) -> None:
        """Print one."""
        from datetime import datetime

        moment = to_local_text(datetime.fromisoformat(event["ts"]).timestamp())
        words = [f"{event['seq']:>6}", moment, f"{event['event']:<20}"]
        if self._with_id:
            words.append(event["task_id"] or "-")
        click.echo(terminal.shorten(" ".join([*words, " ", _why(event)]).rstrip(), 400))


def _why(event: dict[str, Any]) -> str:
    for name in ("reason", "question", "errors", "result_summary", "review_verdict"):
        if event.get(name):
            return str(event[name])
    rest = {name: event[name] for name in ("source", "process", "count", "added") if event.get(name)}
    return ", ".join(f"{name} {value}" for name, value in rest.items())

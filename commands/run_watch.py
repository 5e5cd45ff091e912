"""``skep run watch``: what happens to a run, as it happens, until it has ended."""

from __future__ import annotations

import sys
import time
from typing import Final

import click

from commands.numbers import FROM_ZERO
from commands.place import Place, json_option, with_place
from supervisor.daemon_state import look

POLL_S: Final = 0.05
#: Seconds between looks for a daemon, and before the first, since it may only be starting.
LOOK_S: Final = 2.0


@click.command(
    help="""Follow a run until it has ended: on a terminal as a tree of its tasks with tokens
    and money against its budget, elsewhere and with --events as what happened and happens,
    a line an event, with --json as JSON. Then the run is told as `show` prints it.

    Exit code 0: the run completed. 1: it failed or was aborted. 3: no daemon runs, and
    nothing more comes.

    Example: skep run watch newsletter-3f9a21c0"""
)
@click.argument("run_id", metavar="RUN")
@click.option("--after", type=FROM_ZERO, metavar="SEQ", help="Only events after this one.")
@click.option("--events", "as_events", is_flag=True, help="Print events on a terminal too.")
@json_option
@with_place
def watch(place: Place, run_id: str, after: int | None, as_events: bool, as_json: bool) -> int:
    """Watch a run."""
    if as_events:
        return print_events(place, run_id, after, as_json)
    return follow(place, run_id, after, as_json)


def follow(place: Place, run_id: str, after: int | None, as_json: bool) -> int:
    """Follow a run as suits whoever looks; the exit code."""
    from commands import run_tree

    if run_tree.is_wanted() and not as_json and after is None:
        return show_tree(place, run_id)
    return print_events(place, run_id, after, as_json)


def show_tree(place: Place, run_id: str) -> int:
    """Follow a run as a tree; the exit code."""
    from commands import run_show, run_tree
    from commands.run_house import run_row

    with place.reader() as reader:
        run = run_tree.follow(reader, lambda: run_row(reader, run_id), lambda: _expect_daemon(place))
        run_show.tell(run, answers=False, context=False)
    return run_show.code_of(run["state"])


def print_events(place: Place, run_id: str, after: int | None, as_json: bool) -> int:
    """Follow a run by its events; the exit code."""
    from commands import run_show
    from commands.events import JsonPrinter, LinePrinter, Printer
    from commands.run_house import run_row
    from runs import views
    from store.reading import event_of

    with place.reader() as reader:
        row = run_row(reader, run_id)
        printer: Printer = JsonPrinter() if as_json else LinePrinter(with_id=True)
        seen = row["after_event"] if after is None else after
        next_look = time.monotonic() + LOOK_S
        while True:
            row = run_row(reader, run_id)  # before the events, so that none of its end is missed
            for event in reader.all("run_events_after", run=run_id, after=seen, limit=1_000_000):
                printer.print(event_of(event))
                seen = event["seq"]
            sys.stdout.flush()
            if row["state"] not in {"running", "aborting"}:
                break
            if time.monotonic() >= next_look:
                _expect_daemon(place)
                next_look = time.monotonic() + LOOK_S
            time.sleep(POLL_S)
        if not as_json:
            run_show.tell(views.whole(reader, row), answers=False, context=False)
        return run_show.code_of(row["state"])


def _expect_daemon(place: Place) -> None:
    from errors import DaemonUnreachable

    if not look(place.home).is_running:
        raise DaemonUnreachable("No daemon runs, so nothing more comes; start it with `skep up`.")

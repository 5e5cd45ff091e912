"""``skep run watch``: what happens to a run, as it happens, until it has ended."""

from __future__ import annotations

import sys
import time
from typing import Final

import click

from commands.place import Place, json_option, with_place
from supervisor.daemon_state import look

POLL_S: Final = 0.05
#: Seconds between looks for a daemon.
LOOK_S: Final = 2.0


@click.command(
    help="""Print what happened to a run and what happens, until it has ended; with --json
    a line an event. On a terminal the end is followed by the run as `show` prints it.

    Exit code 0: the run completed. 1: it failed or was aborted. 3: no daemon runs, and
    nothing more comes.

    Example: skep run watch newsletter-3f9a21c0"""
)
@click.argument("run_id", metavar="RUN")
@click.option("--after", type=click.IntRange(min=0), metavar="SEQ", help="Only events after this one.")
@json_option
@with_place
def watch(place: Place, run_id: str, after: int | None, as_json: bool) -> int:
    """Watch a run."""
    from commands import run_show
    from commands.events import JsonPrinter, LinePrinter, Printer
    from commands.run_house import run_row
    from runs import views
    from store.reading import event_of

    with place.reader() as reader:
        row = run_row(reader, run_id)
        printer: Printer = JsonPrinter() if as_json else LinePrinter(with_id=True)
        seen, next_look = row["after_event"] if after is None else after, 0.0
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

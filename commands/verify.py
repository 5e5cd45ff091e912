"""``skep verify``: whether the log is whole and says what the store says."""

from __future__ import annotations

import click

from commands import terminal
from commands.exits import FAILED, FINE
from commands.place import Place, json_option, with_place
from commands.progress import progress_bar
from store.chained_log.telling import to_json, told
from store.execution_log import verify as verify_log


@click.command(
    help="""Check execution_log.jsonl: its chain of hashes, and that it agrees with the store.
    Works beside a running daemon. Exit code 0: it is whole. 1: it is not, and the
    first bad line is told.

    Example: skep verify"""
)
@json_option
@with_place
def verify(place: Place, as_json: bool) -> int:
    """Check the log."""
    place.check()
    with progress_bar("checking", wanted=not as_json) as progress:
        found = verify_log(place.home, progress=progress)
    if as_json:
        terminal.print_json(to_json(found))
    else:
        click.echo(terminal.clean(told(found)))
    return FINE if found.ok else FAILED

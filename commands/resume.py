"""``skep resume``: start things again."""

from __future__ import annotations

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place


@click.command(
    help="""Start tasks again after `skep pause`.

    Example: skep resume"""
)
@json_option
@with_place
def resume(place: Place, as_json: bool) -> int:
    """Resume the home."""
    with place.store() as store:
        was_paused = store.resume(place.by)
    if as_json:
        terminal.print_json({"paused": False, "was_paused": was_paused})
    else:
        click.echo("Work goes on." if was_paused else "It was not paused.")
    return FINE

"""``skep pause``: start nothing new."""

from __future__ import annotations

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place


@click.command(
    help="""Start nothing new until `skep resume`; what runs goes on.

    Example: skep pause --reason "the model is being changed\""""
)
@click.option("--reason", help="Why, for whoever wonders.")
@json_option
@with_place
def pause(place: Place, reason: str | None, as_json: bool) -> int:
    """Pause the home."""
    with place.store() as store:
        store.pause(place.by, reason)
    if as_json:
        terminal.print_json({"paused": True, "by": place.by, "reason": reason})
    else:
        click.echo("Paused: nothing new is started; what runs goes on. `skep resume` goes on.")
    return FINE

"""``skep resume``: start things again."""

from __future__ import annotations

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from store.reading import BREAKER, PAUSED


@click.command(
    help="""Start tasks again after `skep pause`, or after the circuit breaker tripped, which then counts
    anew. The kill switch is cleared by `skep kill-switch off` alone.

    Example: skep resume"""
)
@json_option
@with_place
def resume(place: Place, as_json: bool) -> int:
    """Resume the home."""
    with place.store() as store:
        facts = store.reader.fact
        was_paused, was_tripped = facts(PAUSED) is not None, facts(BREAKER) is not None
        store.resume(place.by)
        held = store.reader.gate().paused
    if as_json:
        terminal.print_json(
            {"paused": False, "was_paused": was_paused, "was_tripped": was_tripped, "held_by": held}
        )
        return FINE
    reset = "The circuit breaker is reset. " if was_tripped else ""
    free = "Work goes on." if held is None else "It is no longer paused."
    click.echo(reset + (free if was_paused or was_tripped else "It was not paused."))
    if held is not None:
        terminal.note(f"Nothing is started all the same: {held}.")
    return FINE

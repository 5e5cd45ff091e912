"""``skep panel``: a way into the control panel."""

from __future__ import annotations

import click

from commands import terminal
from commands.daemon_state import look
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from panel.login import mint_login_link


@click.command(
    help="""Print a fresh login link to the control panel. It works once, and not for long.

    Example: skep panel"""
)
@json_option
@with_place
def panel(place: Place, as_json: bool) -> int:
    """Print a login link."""
    place.check()
    with place.store() as store:
        store.audit("login_link", "recorded", actor=place.by)
    link = mint_login_link(place.home, place.settings.panel_port)
    if not look(place.home).supervisor:
        terminal.note("No daemon runs; start it with `skep up`, then open the link.")
    if as_json:
        terminal.print_json({"url": link})
    else:
        click.echo(link)
    return FINE

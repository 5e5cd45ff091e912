"""``skep panel``: a way into the control panel."""

from __future__ import annotations

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from errors import DaemonUnreachable
from panel.login import held_port, mint_login_link
from store import processes
from store.sqlite_store import SqliteStore
from supervisor.daemon_state import look


@click.command(
    help="""Print a fresh login link to the control panel. It works once, and not for long.

    There is none while this home's panel does not run: whoever listens in its place
    would be shown the link (exit code 3).

    Example: skep panel"""
)
@json_option
@with_place
def panel(place: Place, as_json: bool) -> int:
    """Print a login link."""
    with place.store() as store:
        port = _port(place, store)
        store.audit("login_link", "recorded", actor=place.by)
    link = mint_login_link(place.home, port)
    if as_json:
        terminal.print_json({"url": link})
    else:
        click.echo(link)
    return FINE


def _port(place: Place, store: SqliteStore) -> int:
    """The port that this home's panel holds. Raises `DaemonUnreachable`: no other may be shown a code."""
    try:
        return held_port(place.home)
    except DaemonUnreachable as error:
        told = processes.troubles(store.reader.fact(processes.PROCESSES)).get(processes.PANEL)
        if told is None or not look(place.home).supervisor:
            raise
        raise DaemonUnreachable(f"No login link: {told}") from error

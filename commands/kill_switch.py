"""``skep kill-switch``: stop everything at once, and let it go on.

The switch is a file, so all of it works without daemon, store and panel. The store is told afterwards, and
not waited for: a daemon finds out by itself, and the leader writes down what it finds.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, Final

import click

from clock import to_local_text
from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place_in_need
from errors import SkepError
from execution import markers
from store import database, kill_file
from store.kill_file import KillFile

#: Seconds the store gets to write down what was done.
PATIENCE_S: Final = 2.0


@click.command(
    help="""Stop everything at once (on), let it go on (off), or tell how it stands.

    While it is on nothing starts, running commands are killed within a second, and model calls are
    abandoned; what was stopped runs again later, or asks you, as after any interruption. It is the file
    .swarm/KILL, so it works when all else is down, and making or removing that file by hand does the same.
    It stays on through restarts until it is cleared.

    Exit code 0 whether it is on or off: `skep kill-switch --json` says which.

    Example: skep kill-switch on --reason "it rewrites the wrong files\""""
)
@click.argument("action", metavar="[on|off]", required=False, type=click.Choice(["on", "off"]))
@click.option("--reason", metavar="TEXT", help="Why, for whoever wonders. Only with on.")
@json_option
@with_place_in_need
def kill_switch(place: Place, action: str | None, reason: str | None, as_json: bool) -> int:
    """Set, clear or show the switch."""
    if reason is not None and action != "on":
        raise click.UsageError("--reason goes with `skep kill-switch on`.")
    place.check_state()
    path = place.home.kill_switch
    told: dict[str, Any] = {}
    if action == "on":
        kill_file.turn_on(path, place.by, time.time(), reason)
        with contextlib.suppress(SkepError, OSError):
            markers.kill_orphans(place.home)  # of a daemon that is gone: nobody else would
    elif action == "off":
        told["was_on"] = kill_file.turn_off(path)
    else:
        database.stat_of(path)  # what nobody may look at counts as set, which is no answer to a person
    found = kill_file.look(path)
    trouble = _tell_store(place) if action else None
    if as_json:
        told |= kill_file.state_of(found)
        terminal.print_json(told | ({"recorded": trouble is None} if action else {}))
    else:
        click.echo(terminal.clean(_sentence(found, told.get("was_on"))))
    if trouble is not None:
        terminal.note(f"The store could not be told ({trouble}). The daemon writes it down when it can.")
    return FINE


def _sentence(found: KillFile | None, was_on: bool | None) -> str:
    if found is None:
        return {None: "The kill switch is off.", True: "The kill switch is cleared; work goes on."}.get(
            was_on, "The kill switch was not on."
        )
    reason = f": {found.reason}" if found.reason else ""
    since = "" if found.since is None else f" since {to_local_text(found.since)}"
    return (
        f"The kill switch is on{reason} ({found.by or 'by hand'}{since}). Nothing starts, and what ran is "
        "stopped. `skep kill-switch off` clears it."
    )


def _tell_store(place: Place) -> str | None:
    """Have the store write down how the switch stands; why it could not. A store that hangs is left alone."""
    told: list[str | None] = []

    def tell() -> None:
        try:
            with place.store() as store:
                store.note_kill_switch(place.by)
            told.append(None)
        except (SkepError, OSError) as error:
            told.append(str(error).partition("; ")[0])  # the way out is of no use in a stop

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    return told[0] if told else "it does not answer"

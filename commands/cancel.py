"""``skep cancel``: withdraw tasks."""

from __future__ import annotations

import click

from commands.place import Place, json_option, with_place
from commands.several import do_each
from commands.task_id import offer_ids


@click.command(
    help="""Withdraw tasks. What runs is stopped within a second; `skep retry` takes it back.

    Example: skep cancel t-1 t-2 --reason "not needed any more\""""
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=offer_ids)
@click.option("--reason", help="Why, for the history.")
@json_option
@with_place
def cancel(place: Place, ids: tuple[str, ...], reason: str | None, as_json: bool) -> int:
    """Cancel tasks."""
    with place.store() as store:

        def withdraw(task_id: str) -> str:
            word = store.cancel(task_id, place.by, reason)
            return f"{task_id} is {'being stopped' if word == 'stopping' else word}."

        return do_each("cancel", ids, withdraw, as_json=as_json)

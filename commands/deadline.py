"""``skep deadline``: until when a question waits for its answer."""

from __future__ import annotations

import click

from commands.place import Place, json_option, with_place
from commands.several import do_each
from commands.task_id import offer_ids


@click.command(
    help="""Give what waits for you a deadline, or lift it. When it passes without an answer
    nothing is approved: a task that waits for the word fails, and what holds anything else
    goes on holding it, overdue.

    An ID is a task's or a decision's. --until takes a span from now such as 90m, 4h or 2d,
    a time within a year as YYYY-MM-DDTHH:MM (local without an offset), or none: it waits
    for ever.

    Example: skep deadline t-1 --until 4h"""
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=offer_ids)
@click.option("--until", required=True, metavar="WHEN", help="A span from now, a time, or none.")
@json_option
@with_place
def deadline(place: Place, ids: tuple[str, ...], until: str, as_json: bool) -> int:
    """Set or lift the deadline."""
    with place.store() as store:

        def put(subject: str) -> str:
            return store.set_deadline(subject, until, place.by)

        return do_each("deadline", ids, put, as_json=as_json)

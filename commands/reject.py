"""``skep reject``: no to what waits for a person, and why."""

from __future__ import annotations

import click

from commands.place import Place, json_option, with_place
from commands.several import do_each
from commands.task_id import offer_ids


@click.command(
    help="""Say no to what waits for you. A rejected result is tried again with your reason in
    the prompt, while the task has attempts left; a command that may not run fails.

    Example: skep reject t-1 --reason "the figures of May are missing\""""
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=offer_ids)
@click.option("--reason", required=True, help="Why; the next attempt is told.")
@json_option
@with_place
def reject(place: Place, ids: tuple[str, ...], reason: str, as_json: bool) -> int:
    """Reject."""
    if not reason.strip():
        raise click.UsageError("--reason must say something; the next attempt is told.")
    with place.store() as store:
        return do_each(
            "reject", ids, lambda subject: store.reject(subject, place.by, reason), as_json=as_json
        )

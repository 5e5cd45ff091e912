"""``skep reject``: no to what waits for a person, and why."""

from __future__ import annotations

import click

from commands.place import Place, json_option, with_place
from commands.several import do_each
from commands.task_id import offer_ids


@click.command(
    help="""Say no to what waits for you. A result is requeued with feedback: tried again with
    your reason in the prompt. Where no attempts are left, or with --final, it is rejected:
    the task fails. Where its words were changed since, the new ones run.
    A command that may not run fails, and so does a question of a run, unless one of its choices is a no.

    Example: skep reject t-1 --reason "the figures of May are missing\""""
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=offer_ids)
@click.option("--reason", required=True, help="Why: the feedback, or the reason of its end.")
@click.option(
    "--final", "is_final", is_flag=True, help="Reject a result whatever attempts are left: the task fails."
)
@json_option
@with_place
def reject(place: Place, ids: tuple[str, ...], reason: str, is_final: bool, as_json: bool) -> int:
    """Reject."""
    if not reason.strip():
        raise click.UsageError("--reason must say something; the next attempt is told.")
    with place.store() as store:

        def refuse(subject: str) -> str:
            return store.reject(subject, place.by, reason, is_final=is_final)

        return do_each("reject", ids, refuse, as_json=as_json)

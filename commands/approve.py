"""``skep approve``: yes to what waits for a person."""

from __future__ import annotations

import click

from commands.place import Place, json_option, with_place
from commands.several import do_each
from commands.task_id import offer_ids


@click.command(
    help="""Say yes to what waits for you: a result to review, a command that may run, an
    interrupted task that counts as done, a plan, proposed tasks, a removal of many
    tasks. ID is a task's,
    or a decision's as `skep status` shows it. A question of a run is answered with its
    first choice, with --choice, or in your own words with --comment.

    Example: skep approve t-1 --comment "good\""""
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=offer_ids)
@click.option("--choice", metavar="TEXT", help="Which of the choices, of a question that a run asks.")
@click.option(
    "--comment", help="What you want to say, for the history; or the answer to a question of a run."
)
@json_option
@with_place
def approve(
    place: Place, ids: tuple[str, ...], choice: str | None, comment: str | None, as_json: bool
) -> int:
    """Approve."""
    with place.store() as store:

        def agree(subject: str) -> str:
            return store.approve(subject, place.by, comment, choice=choice)

        return do_each("approve", ids, agree, as_json=as_json)

"""``skep approve``: yes to what waits for a person."""

from __future__ import annotations

import click

from commands.place import Place, json_option, with_place
from commands.several import do_each
from commands.task_id import offer_ids


@click.command(
    help="""Say yes to what waits for you: a result to review, a command that may run, an
    interrupted task that counts as done, a plan, proposed tasks, a removal of many
    tasks. ID is a task's, or a decision's as `skep status` shows it. What a question
    offers beside its yes and its no, such as more than a call needs, is `--answer`;
    a question of a run is answered with its first choice, or in your words by --comment.

    Example: skep approve t-1 --comment "good\""""
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=offer_ids)
@click.option("--comment", help="What you want to say, for the history.")
@click.option("--answer", metavar="WORD", help="This answer of the question's, such as more.")
@json_option
@with_place
def approve(
    place: Place, ids: tuple[str, ...], comment: str | None, answer: str | None, as_json: bool
) -> int:
    """Approve."""
    with place.store() as store:

        def agree(subject: str) -> str:
            if answer is None:
                return store.approve(subject, place.by, comment)
            return store.choose(subject, answer, place.by, comment)

        return do_each("approve", ids, agree, as_json=as_json)

"""``skep priority``: letting tasks go sooner or later."""

from __future__ import annotations

import re
from typing import Final

import click

from commands.place import Place, json_option, with_place
from commands.several import do_each
from commands.task_id import offer_ids

#: A number below zero, which would be taken for an option.
_BELOW_ZERO: Final = re.compile(r"-[0-9]+")


class NumberLast(click.Command):
    """A command whose last argument is a number, which may be below zero."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's, with what is below zero set behind ``--``, where nothing is taken for an option."""
        at = args.index("--") if "--" in args else len(args)
        before, after = args[:at], args[at + 1 :]
        numbers = [word for word in before if _BELOW_ZERO.fullmatch(word)]
        others = [word for word in before if word not in numbers]
        return super().parse_args(ctx, [*others, "--", *after, *numbers])


@click.command(
    cls=NumberLast,
    help="""Let tasks go sooner or later: of those that may start, the highest priority goes first.

    N is a whole number, also below zero, as far from 0 as the setting limit_priority lets it; a task that
    was given none has 0. Tasks that have ended are left as they are. What runs goes on; the number counts
    when it is tried again.

    Example: skep priority t-1 t-2 10""",
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=offer_ids)
@click.argument("number", metavar="N", type=int)
@json_option
@with_place
def priority(place: Place, ids: tuple[str, ...], number: int, as_json: bool) -> int:
    """Give tasks another priority."""
    with place.store() as store:

        def put(task_id: str) -> str:
            return store.set_priority(task_id, number, place.by)

        return do_each("priority", ids, put, as_json=as_json)

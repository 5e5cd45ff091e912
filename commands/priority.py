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
_NUMBER: Final = re.compile(r"-?[0-9]+")


class NumberLast(click.Command):
    """A command whose last argument is a number, which may be below zero."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's, with what is below zero set behind ``--``, where nothing is taken for an option.

        Raises `click.UsageError` where another number follows it: which of them is meant is not known.
        """
        at = args.index("--") if "--" in args else len(args)
        before, after = args[:at], args[at + 1 :]
        numbers = [word for word in before if _BELOW_ZERO.fullmatch(word)]
        others = [word for word in before if word not in numbers]
        rest = super().parse_args(ctx, [*others, "--", *after, *numbers])
        if numbers and not ctx.resilient_parsing:  # as a shell's completion parses
            behind = args[args.index(numbers[0]) :]
            _refuse_two(ctx.params["number"], [word for word in ctx.params["ids"] if word in behind])
        return rest


def _refuse_two(number: int, ids: list[str]) -> None:
    """Raise `click.UsageError` where one of the words that were taken for ids is a number as well."""
    other = next((word for word in ids if _NUMBER.fullmatch(word)), None)
    if other is not None:
        raise click.UsageError(
            f"{number} and {other} are two numbers, and one is the priority: name the tasks first, and the "
            "number once, behind them."
        )


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

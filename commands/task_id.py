"""Ids of tasks on the command line, as a shell completes them."""

from __future__ import annotations

import click

from errors import SkepError

#: Ids a shell is offered at once, and how many of the newest tasks are looked at for them.
MOST_OFFERED = 50
LOOKED_AT = 2_000


def offer_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The newest ids that begin so; none where there is no home."""
    from commands.place import place_of

    try:
        with place_of(context.find_root()).reader() as reader:
            rows = reader.newest_tasks((), LOOKED_AT)
    except (SkepError, OSError):
        return []
    return [row["id"] for row in rows if row["id"].startswith(incomplete)][:MOST_OFFERED]

"""What became of the tasks that a home's tools were found for."""

from __future__ import annotations

from commands.place import Place
from store.tool_uses import uses
from toolbox.standing import Use


def uses_of(place: Place) -> dict[str, Use]:
    """Each tool's use by its name; none where there is no home yet."""
    if not place.home.database.exists():
        return {}
    with place.reader() as reader:
        return {name: Use(*counts) for name, counts in uses(reader).items()}

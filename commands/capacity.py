"""``skep workers`` and ``skep pace``: how much works at once, changed while the daemon runs."""

from __future__ import annotations

from typing import Any, Final

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from host_platform import is_lock_held
from settings import Settings
from store.capacity import CAPACITY, STARTED, Capacity
from store.sqlite_store import SqliteStore

#: Takes back what was set.
DEFAULT: Final = "default"


class Count(click.ParamType[int | str]):
    """A whole number, or the word that takes back what was set. The store holds it to its bounds."""

    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """The number, or `DEFAULT`."""
        if value == DEFAULT:
            return DEFAULT
        if not (value.isascii() and value.isdigit() and len(value) <= 6):
            self.fail(f"{value[:40]!r} is neither a whole number nor {DEFAULT!r}.", param, ctx)
        return int(value)


@click.command(
    help="""Have so many worker processes, 1 to 16, or tell how many are wanted.

    Takes effect within a second where the daemon runs, and outlives its restarts. A worker that is one too
    many claims nothing more and goes when what it runs has ended. `default`: as the setting `workers` says
    again.

    Example: skep workers 4"""
)
@click.argument("count", metavar="[N|default]", required=False, type=Count())
@json_option
@with_place
def workers(place: Place, count: int | str | None, as_json: bool) -> int:
    """Set or show how many workers are wanted."""
    return _set(place, "workers", count, as_json=as_json)


@click.command(
    help="""Have each worker run so many tasks at once, or tell how many.

    Takes effect within a second where the daemon runs, and outlives its restarts. What runs goes on where
    the pace is lowered. `default`: as the setting `concurrency` says again.

    Example: skep pace 2"""
)
@click.argument("count", metavar="[N|default]", required=False, type=Count())
@json_option
@with_place
def pace(place: Place, count: int | str | None, as_json: bool) -> int:
    """Set or show the pace."""
    return _set(place, "pace", count, as_json=as_json)


def _set(place: Place, name: str, count: int | str | None, *, as_json: bool) -> int:
    with place.store() as store:
        if count is not None:
            store.set_capacity({name: count if isinstance(count, int) else None}, place.by)
        fact = store.reader.fact(CAPACITY) or {}
        wanted = Capacity.of(fact, _as_started(place, store))
    if as_json:
        is_set = {each: fact.get(each) is not None for each in ("workers", "pace")}
        terminal.print_json({"workers": wanted.workers, "pace": wanted.pace, "set": is_set})
    else:
        click.echo(_sentence(name, wanted, is_set=fact.get(name) is not None))
    return FINE


def _as_started(place: Place, store: SqliteStore) -> Settings:
    """The settings, with what a daemon that runs was told by flags."""
    runs = is_lock_held(place.home.daemon_lock)
    started = store.reader.fact(STARTED) if runs else None
    return store.settings.model_copy(update=started or {})


def _sentence(name: str, wanted: Capacity, *, is_set: bool) -> str:
    count = getattr(wanted, name)
    what = {
        "workers": f"{count} worker{'' if count == 1 else 's'}",
        "pace": f"Each worker runs {count} task{'' if count == 1 else 's'} at once",
    }[name]
    setting = {"workers": "workers", "pace": "concurrency"}[name]
    return f"{what}{'.' if is_set else f', as the setting {setting} says.'}"

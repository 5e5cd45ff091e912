"""The home a verb works on, opened as far as the verb needs it, and who is asking."""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

import click

from config_files import own_home
from errors import StoreError
from setting_sources import find_home, load_settings, why_no_folder
from settings import Home, Settings
from store import database
from store.lanes import ConcurrencyLimits
from store.reading import Reader
from store.sqlite_store import SqliteStore

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class NoHome(StoreError):
    """There is no Skep home here."""

    code = "no_home"


class Place:
    """One home as the command line sees it."""

    def __init__(self, home: Home) -> None:
        self.home = home

    @functools.cached_property
    def settings(self) -> Settings:
        """The home's settings, read when first asked for. Raises `InvalidSetting`."""
        return load_settings(self.home, os.environ).settings

    @functools.cached_property
    def by(self) -> str:
        """Who is asking, as events tell it."""
        try:
            return f"cli:{getpass.getuser()}"
        except (KeyError, OSError):  # a user without a name
            return f"cli:{os.getuid()}"

    @contextlib.contextmanager
    def reader(self) -> Iterator[Reader]:
        """The store to read from; nothing is made. Raises `NoHome`, `StoreError`."""
        self.check()
        limits = ConcurrencyLimits.of_settings(self.settings)
        opened = Reader(self.home.database, limits)
        try:
            yield opened
        finally:
            opened.close()

    @contextlib.contextmanager
    def store(self) -> Iterator[SqliteStore]:
        """The store to write to. Raises `NoHome`, `StoreError`."""
        self.check()
        with SqliteStore(self.home, self.settings) as opened:
            yield opened

    def check(self) -> None:
        """Raise `NoHome` where no home was made, `StoreCorrupt` where its database is gone or emptied.

        Raises `InvalidSetting` where others could have put things into it.
        """
        own_home.check_home(self.home.root)
        if not database.is_made(self.home.database):
            self._refuse()

    def check_state(self) -> None:
        """The same for a verb that works without the database."""
        if not self.home.state.exists():
            self._refuse()

    def _refuse(self) -> NoReturn:
        from store.recovery import refuse_damaged

        if (why := why_no_folder(self.home)) is not None:
            raise NoHome(why)
        refuse_damaged(self.home)
        raise NoHome(
            f"There is no Skep home here ({self.home.root}); run `skep init`, or name one with SKEP_HOME."
        )


def place_of(context: click.Context, *, is_open_fine: bool = False) -> Place:
    """The place a command line names; see `open_home`."""
    return Place(open_home(_named(context), is_open_fine=is_open_fine))


def _named(context: click.Context) -> Home:
    return find_home((context.obj or {}).get("home"), os.environ)


def open_home(home: Home, *, is_open_fine: bool = False) -> Home:
    """The home, unless another user has closed it, or made its state, or everybody could write there.

    The last may be fine for who stops everything. Raises `StoreReadOnly`, `InvalidSetting`.
    """
    if not is_open_fine:
        own_home.check_open(home.root)
    database.stat_of(home.state)
    own_home.check_place(home.root, home.state.name, is_open_fine=is_open_fine)
    return home


def with_place(
    verb: Callable[Concatenate[Place, Parameters], Result],
) -> Callable[Parameters, Result]:
    """Give a verb its place."""
    return _with(place_of, verb)


def with_place_in_need(
    verb: Callable[Concatenate[Place, Parameters], Result],
) -> Callable[Parameters, Result]:
    """Give a verb its place, also where everybody could write its state: a stop in need."""
    return _with(functools.partial(place_of, is_open_fine=True), verb)


def with_any_place(
    verb: Callable[Concatenate[Place, Parameters], Result],
) -> Callable[Parameters, Result]:
    """Give a verb the place that was named, if only it can be looked at: for who finds out what is wrong."""
    return _with(_any_place_of, verb)


def _any_place_of(context: click.Context) -> Place:
    home = _named(context)
    database.stat_of(home.state)
    return Place(home)


def _with(
    find: Callable[[click.Context], Place], verb: Callable[Concatenate[Place, Parameters], Result]
) -> Callable[Parameters, Result]:
    @functools.wraps(verb)
    def called(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return verb(find(click.get_current_context()), *args, **kwargs)

    return called


def json_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    """The option every verb has."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(verb)

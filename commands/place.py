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


def place_of(context: click.Context) -> Place:
    """The place a command line names."""
    return Place(open_home(find_home((context.obj or {}).get("home"), os.environ)))


def open_home(home: Home) -> Home:
    """The home, unless another user has closed it, or made its state.

    Raises `StoreReadOnly`, `InvalidSetting`.
    """
    database.stat_of(home.state)
    own_home.check_place(home.root, home.state.name)
    return home


def with_place(
    verb: Callable[Concatenate[Place, Parameters], Result],
) -> Callable[Parameters, Result]:
    """Give a verb its place."""

    @functools.wraps(verb)
    def called(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return verb(place_of(click.get_current_context()), *args, **kwargs)

    return called


def json_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    """The option every verb has."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(verb)

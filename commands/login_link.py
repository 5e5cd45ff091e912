"""The way in that ``skep up`` prints: once its own panel says that it holds its port, and not before.

The link itself is for a person at a terminal alone: what goes to a file or a journal stays there, where
others read it.
"""

from __future__ import annotations

from collections.abc import Callable

import click

from commands import terminal
from errors import SkepError
from localhost import port_file
from panel.login import mint_login_link
from settings import Home
from supervisor.child import Child


class LoginLink:
    """Prints a link for each start of the panel, which forgets who was logged in; elsewhere how to get one.

    Until the panel has bound its port, somebody else may listen there, and would be shown the code.
    """

    def __init__(self, home: Home, panel: Child, record: Callable[[], None]) -> None:
        self._home = home
        self._panel = panel
        self._record = record
        self._told: int | None = None

    def tell_new(self) -> None:
        """Say where the panel is, once for each start of it; `record` puts the making of a link on record."""
        pid = self._panel.pid
        if pid is None or pid == self._told:
            return
        found = port_file.holder(self._home, port_file.PANEL)
        if found is None or found.process.pid != pid:
            return
        self._told = pid
        if not terminal.is_terminal():
            click.echo(f"Panel:  http://127.0.0.1:{found.port} (`skep panel` prints a link that logs you in)")
            return
        try:
            self._record()
            click.echo(f"Panel:  {mint_login_link(self._home, found.port)}")
        except (SkepError, OSError) as error:
            click.echo(f"Panel:  http://127.0.0.1:{found.port} (no login link: {error})")

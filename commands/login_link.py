"""The login link that ``skep up`` prints: once its own panel says that it holds its port, and not before."""

from __future__ import annotations

from collections.abc import Callable

import click

from errors import SkepError
from localhost import port_file
from panel.login import mint_login_link
from settings import Home
from supervisor.child import Child


class LoginLink:
    """Prints a link for each start of the panel, which forgets who was logged in.

    Until the panel has bound its port, somebody else may listen there, and would be shown the code.
    """

    def __init__(self, home: Home, panel: Child, record: Callable[[], None]) -> None:
        self._home = home
        self._panel = panel
        self._record = record
        self._told: int | None = None

    def tell_new(self) -> None:
        """Print a link where the panel has come up since the last one; `record` puts its making on record."""
        pid = self._panel.pid
        if pid is None or pid == self._told:
            return
        found = port_file.holder(self._home, port_file.PANEL)
        if found is None or found.process.pid != pid:
            return
        self._told = pid
        try:
            self._record()
            click.echo(f"Panel:  {mint_login_link(self._home, found.port)}")
        except (SkepError, OSError) as error:
            click.echo(f"Panel:  http://127.0.0.1:{found.port} (no login link: {error})")

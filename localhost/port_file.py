"""Who holds a port, by the holder's own word: a private file with the process and the port.

That a port answers says nothing of who answers: any user of the machine can listen there first. So a process
that has bound its port says so here, where only the home's owner writes, and takes the word back before it
lets the port go. The word of a process that is gone counts for nothing.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import host_platform
from errors import InvalidSetting, StoreError
from host_platform import ProcessId
from settings import Home
from store import private_files

PANEL: Final = "panel_port"
SWARM: Final = "swarm_port"


@dataclass(frozen=True, slots=True)
class Holder:
    """A living process, and the port it has bound."""

    port: int
    process: ProcessId


def claim(home: Home, name: str, port: int) -> None:
    """Say that this process has bound the port. Raises `OSError`."""
    private_files.write(_path(home, name), f"{port} {host_platform.this_process()}")


def let_go(home: Home, name: str) -> None:
    """Take this process's word back; another's stays."""
    found = holder(home, name)
    if found is not None and found.process == host_platform.this_process():
        with contextlib.suppress(OSError):
            _path(home, name).unlink()


def holder(home: Home, name: str) -> Holder | None:
    """Who holds the port now; none where nobody says so who lives, or somebody else could have said it."""
    try:
        port, process = private_files.read(_path(home, name)).split(" ")
        found = Holder(int(port), ProcessId.parse(process))
    except (OSError, StoreError, ValueError):
        return None
    return found if found.process.is_alive() else None


def check_apart(swarm_port: int, panel_port: int) -> None:
    """Raise `InvalidSetting` where swarm and the panel are given the same port."""
    if swarm_port == panel_port != 0:
        raise InvalidSetting(
            f"swarm_port and panel_port are both {panel_port}; give one of them another port "
            "(SKEP_SWARM_PORT, SKEP_PANEL_PORT or skep.toml)",
            setting=PANEL,
        )


def _path(home: Home, name: str) -> Path:
    return home.state / name

"""Where Skep answers and what lets one in: given outright, or found in a home.

The token lets whoever holds it have commands executed. So it is read from a file that only its owner may
read, and sent to this machine alone: to a loopback port, or to the home's own socket.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from skep_client import private_file
from skep_client.errors import AddressRefused, HomeUnusable, Unreachable
from skep_client.processes import may_be_alive

#: Names of this machine under which Skep answers.
NAMES = ("127.0.0.1", "localhost", "::1")
#: The name that goes with the socket.
SOCKET_URL = "http://localhost"


@dataclass(frozen=True)
class Address:
    """Where requests go."""

    #: such as ``http://127.0.0.1:8420``
    url: str
    token: str = field(repr=False)
    #: the Unix socket they go through in place of the port
    socket: Path | None = None


class Place(Protocol):
    """Knows where Skep answers."""

    def find(self) -> Address:
        """The address as it is now. Raises `HomeUnusable`, `AddressRefused`, `Unreachable`."""


@dataclass(frozen=True)
class FixedPlace:
    """An address that was given."""

    address: Address

    def find(self) -> Address:
        """The same as ever."""
        return self.address


class HomePlace:
    """The daemon of a home, whose port and token are new at each start.

    Parameters:
        root: the home; none: ``SKEP_HOME``, else the current directory.
        environ: where ``SKEP_HOME`` is looked up.
    """

    def __init__(self, root: str | os.PathLike[str] | None, environ: Mapping[str, str]) -> None:
        named = root or environ.get("SKEP_HOME") or os.curdir
        # Links in a circle and the ~ of nobody are told as no home; pathlib raises RuntimeError for both.
        self.root = Path(os.path.realpath(os.path.expanduser(named)))  # noqa: PTH111

    def find(self) -> Address:
        """The address as the daemon wrote it down. Raises `HomeUnusable`, `Unreachable`."""
        state = self.root / ".swarm"
        if not state.is_dir():
            raise HomeUnusable(
                f"There is no Skep home at {self.root}: give its directory, set SKEP_HOME, or make one with "
                "`skep init`."
            )
        token = private_file.read(state / "execution_token")
        port = private_file.read(state / "swarm_port")
        if not token or not port:
            raise Unreachable(f"No daemon runs on {self.root}; start it with `skep up`.")
        number, _, process = port.partition(" ")
        if not number.isdigit() or not 0 < int(number) < 65536:
            raise HomeUnusable(f"{state / 'swarm_port'} does not begin with a port; start Skep again.")
        if not may_be_alive(process):
            raise Unreachable(f"The daemon of {self.root} is gone; start it with `skep up`.")
        path = state / "cycle.sock"
        if _is_answered(path):
            return Address(SOCKET_URL, token, path)
        return Address(f"http://127.0.0.1:{number}", token)


def fixed(url: str, token: str) -> FixedPlace:
    """An address that was given. Raises `AddressRefused` unless it is a port of this machine."""
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise AddressRefused(f"url: {error}") from None
    if found.scheme != "http" or found.host not in NAMES or found.userinfo:
        raise AddressRefused(
            f"url: must be http:// and one of {', '.join(NAMES)}, since Skep answers on this machine alone "
            f"and the token goes nowhere else; got {found.scheme}://{found.host}"
        )
    if found.path not in {"", "/"} or found.query or found.fragment:
        raise AddressRefused("url: must end with the port, such as http://127.0.0.1:8420")
    if not token.isascii() or not token.isprintable() or not token:
        raise AddressRefused("token: must be the text of .swarm/execution_token")
    host = f"[{found.host}]" if ":" in found.host else found.host
    return FixedPlace(Address(f"http://{host}:{found.port or 80}", token))


def _is_answered(path: Path) -> bool:
    """Whether a socket of ours is there and somebody listens; one that a killed daemon left is not."""
    try:
        found = path.lstat()
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
    except OSError:
        return False
    return True

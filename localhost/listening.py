"""The places a service listens at: the two literal loopback addresses, and a Unix socket where one is wanted.

Bound here and not by waitress: a failure inside it would leave threads and pipes behind. Never a name and
never all addresses, and there is no setting for it. Both loopback addresses are taken, so that nobody else
answers for this port under the name ``localhost``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path
from typing import ClassVar, Final

import host_platform
from errors import SkepError

ADDRESS: Final = "127.0.0.1"
ADDRESS_6: Final = "::1"
BACKLOG: Final = 1024
#: Free ports that are tried until both addresses have the same one.
_TRIES: Final = 20
#: This machine has no IPv6, or none on loopback.
_NO_IPV6: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})


class PortTaken(SkepError):
    """Another program has the port."""

    code: ClassVar[str] = "port_taken"


class SocketUnusable(SkepError):
    """The Unix socket cannot be made."""

    code: ClassVar[str] = "socket_unusable"


def bind_port(port: int, setting: str) -> list[socket.socket]:
    """Listen on 127.0.0.1 and, where the machine has it, ::1; 0 takes a free port. Raises `PortTaken`."""
    for _ in range(_TRIES if port == 0 else 1):
        first = _listen(socket.AF_INET, ADDRESS, port, setting)
        taken = first.getsockname()[1]
        try:
            second = _listen(socket.AF_INET6, ADDRESS_6, taken, setting)
        except _NoIpv6:
            return [first]
        except PortTaken:
            first.close()
            if port != 0:
                raise
        else:
            return [first, second]
    raise PortTaken(f"No port is free on both {ADDRESS} and {ADDRESS_6}.", setting=setting)


class _NoIpv6(Exception):
    """There is no ::1 here."""


def _listen(family: socket.AddressFamily, address: str, port: int, setting: str) -> socket.socket:
    try:
        found = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _NoIpv6 from error
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind((address, port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        if family == socket.AF_INET6 and error.errno in _NO_IPV6:
            raise _NoIpv6 from error
        raise _explain(error, address, port, setting) from error
    return found


def _explain(error: OSError, address: str, port: int, setting: str) -> PortTaken:
    way_out = f"choose another with {setting} (SKEP_{setting.upper()} or skep.toml)"
    if error.errno == errno.EADDRINUSE:
        why = f"Port {port} on {address} is taken by another program"
        return PortTaken(f"{why}, perhaps Skep itself; stop it, or {way_out}.", setting=setting, port=port)
    return PortTaken(
        f"Port {port} on {address} cannot be opened ({error.strerror}); {way_out}.", setting=setting
    )


def bind_socket(path: Path) -> socket.socket:
    """Listen on a Unix socket of this user alone; one that a dead process left is replaced.

    Raises `SocketUnusable`.
    """
    check_length(path)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        found.bind(str(path))
        path.chmod(0o600)  # before anybody can connect, which needs `listen`
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise SocketUnusable(f"The socket {path} cannot be made: {error.strerror or error}.") from error
    return found


def check_length(path: Path) -> None:
    """Raise `SocketUnusable` where the path is longer than the system lets one be (unix(7))."""
    length, most = len(os.fsencode(path)), host_platform.MOST_SOCKET_PATH_BYTES
    if length > most:
        raise SocketUnusable(
            f"{path} has {length} bytes, and the path of a Unix socket may have {most}: put the home under a "
            "shorter path, or set swarm_socket = false."
        )


def remove_socket(path: Path) -> None:
    """Take our own socket away at a stop."""
    with contextlib.suppress(OSError):
        _clear(path)


def _clear(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise OSError(errno.EEXIST, "something that is no socket of yours is there; move it away")
    path.unlink()

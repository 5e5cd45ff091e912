"""From a host's name to a connected socket, under the current `Watch` all the way."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import threading
import time
from typing import Any, Final

import httpcore

from llm.watch import READ, WRITE, current_watch

Address = tuple[socket.AddressFamily, tuple[Any, ...]]

#: What a connect that goes on in the background reports.
_IN_PROGRESS: Final = {
    errno.EINPROGRESS,
    errno.EWOULDBLOCK,
    getattr(errno, "WSAEWOULDBLOCK", errno.EINPROGRESS),
}
_NOTHING_LISTENS: Final = "nothing listens there; is the server running?"


def resolve(host: str, port: int, end: float) -> list[Address]:
    """The addresses of `host`; names are looked up in a thread of their own, until monotonic time `end`."""
    if host == "localhost" or host.endswith(".localhost"):
        # RFC 6761: never asked of a name server, which could answer anything.
        return [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port))]
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return _look_up(host, port, end)
    return [(socket.AF_INET if version == 4 else socket.AF_INET6, (host, port))]


def _look_up(host: str, port: int, end: float) -> list[Address]:
    # The C library's look-up cannot be interrupted: whoever no longer waits leaves the thread to its end.
    found: list[Address] = []
    failure: list[OSError] = []
    try:
        reader, writer = socket.socketpair()
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error

    def ask() -> None:
        with writer:
            try:
                answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                found.extend((answer[0], answer[4]) for answer in answers)
            except (OSError, UnicodeError) as error:
                failure.append(OSError(str(error)) if isinstance(error, UnicodeError) else error)

    with reader:
        threading.Thread(target=ask, name="llm-resolve", daemon=True).start()
        if not current_watch().wait(reader, READ, max(end - time.monotonic(), 0)):
            raise httpcore.ConnectTimeout(f"looking up {host} took too long")
    if failure:
        raise httpcore.ConnectError(f"{host} cannot be found ({failure[0].strerror or failure[0]})")
    return found


def open_socket(family: socket.AddressFamily, address: tuple[Any, ...], timeout_s: float) -> socket.socket:
    """A connected, non-blocking socket. Raises httpcore's `ConnectError` or `ConnectTimeout`."""
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # no IPv6 here, or no descriptor left
        raise httpcore.ConnectError(str(error)) from error
    try:
        sock.setblocking(False)
        code = sock.connect_ex(address)
        if code in _IN_PROGRESS:
            if not current_watch().wait(sock, WRITE, timeout_s):
                raise httpcore.ConnectTimeout("no answer to the connection attempt")
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            refused = code == errno.ECONNREFUSED
            raise httpcore.ConnectError(_NOTHING_LISTENS if refused else os.strerror(code))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException as error:
        sock.close()
        if isinstance(error, OSError):
            raise httpcore.ConnectError(str(error)) from error
        raise
    return sock

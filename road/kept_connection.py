"""One kept connection to a port or a socket of this machine, for one thread.

It is a connection of httpcore, which is what httpx sends with: the pool, the client and the parsed address
above it would cost more here than the call. httpcore writes the head and the body of a request by themselves;
sent as one they wake the server once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import httpcore

#: Everything that can go wrong below HTTP.
BROKEN: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ConnectionNotAvailable,
    OSError,
)
Headers = list[tuple[bytes, bytes]]


class KeptConnection:
    """Posts to one port, over the same connection as long as both sides keep it.

    Parameters:
        port: on 127.0.0.1.
        connect_s: seconds to come to a connection, and to send.
        socket: the Unix socket to call instead of the port.
    """

    def __init__(self, port: int, connect_s: float, socket: Path | None = None) -> None:
        self.port = port
        host = b"127.0.0.1:%d" % port if socket is None else b"localhost"
        self._host = (b"Host", host)
        self._address = httpcore.URL(b"http://" + host)
        self._socket = None if socket is None else str(socket)
        self._connect_s = connect_s
        self._connection: httpcore.HTTPConnection | None = None

    def post(self, path: bytes, headers: Headers, content: bytes, read_s: float) -> tuple[int, bytes]:
        """Send, and read the whole answer: its status and body. Raises one of `BROKEN`."""
        timeouts = {"connect": self._connect_s, "write": self._connect_s, "read": read_s}
        request = httpcore.Request(
            b"POST",
            httpcore.URL(scheme=b"http", host=self._address.host, port=self._address.port, target=path),
            headers=[self._host, *headers, (b"Content-Length", b"%d" % len(content))],
            content=content,
            extensions={"timeout": timeouts},
        )
        try:
            answer = self._usable().handle_request(request)
            with contextlib.closing(answer):
                return answer.status, answer.read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the connection go; the next request makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _usable(self) -> httpcore.HTTPConnection:
        connection = self._connection
        if connection is not None and connection.is_idle() and not connection.has_expired():
            return connection
        self.close()
        self._connection = httpcore.HTTPConnection(
            self._address.origin, uds=self._socket, network_backend=_Backend()
        )
        return self._connection


class _Backend(httpcore.SyncBackend):
    """httpcore's own sockets, with writes that go out together."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the port."""
        return _Stream(super().connect_tcp(host, port, timeout, local_address, socket_options))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Connect to the Unix socket."""
        return _Stream(super().connect_unix_socket(path, timeout, socket_options))


class _Stream(httpcore.NetworkStream):
    """A connection that holds what is written until something is read."""

    def __init__(self, below: httpcore.NetworkStream) -> None:
        self._below = below
        self._unsent: list[bytes] = []

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send, at the latest before the next read."""
        self._unsent.append(buffer)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Receive, after what was written has gone out."""
        if self._unsent:
            data = b"".join(self._unsent)
            self._unsent.clear()
            # A server may answer before it has read everything: what it says counts, not that it hung up.
            with contextlib.suppress(httpcore.WriteError):
                self._below.write(data, timeout)
        return self._below.read(max_bytes, timeout)

    def close(self) -> None:
        """Close."""
        self._below.close()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        return self._below.get_extra_info(info)

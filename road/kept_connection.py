"""The one connection that a thread keeps to a port or a socket of this machine, as a transport of httpx.

httpx's own transport is a pool, which at 50 threads costs more than the calls, and it lets httpcore write the
head and the body of a request by themselves; sent as one they wake the server once. So here is a transport of
one connection of httpcore, for one thread. It is called directly: what `httpx.Client` adds (the environment,
redirects, cookies, authentication) is not wanted here, and costs as much as the rest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpcore
import httpx

from llm.pool import core_request, has_surplus

#: Everything that can go wrong below HTTP.
BROKEN: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ConnectionNotAvailable,
    httpx.RequestError,
    OSError,
)


class KeptConnection(httpx.BaseTransport):
    """Sends over the same connection as long as both sides keep it. For one thread.

    Parameters:
        port: of 127.0.0.1.
        connect_s: seconds to come to a connection, and to send; an answer is waited for as long as a request
            says.
        socket: the Unix socket to call instead of the port.
        is_theirs: whether the process that is meant still lives, and has had the port since before this is
            made; asked when a connection is there, before anything is sent.
    """

    def __init__(
        self,
        port: int,
        connect_s: float,
        socket: Path | None = None,
        is_theirs: Callable[[], bool] = lambda: True,
    ) -> None:
        self._base = f"http://127.0.0.1:{port}" if socket is None else "http://localhost"
        self._connect_s = connect_s
        self._socket = None if socket is None else str(socket)
        self._backend = _Backend(is_theirs)
        self._connection: httpcore.HTTPConnection | None = None
        #: addresses by path, each read once
        self._urls: dict[str, httpx.URL] = {}

    def post(self, path: str, body: str, headers: Mapping[str, str], timeout_s: float) -> tuple[int, bytes]:
        """Send `body`, wait up to `timeout_s` seconds for the answer; its status and body.

        What breaks is raised as one of `BROKEN`.
        """
        timeout = httpx.Timeout(self._connect_s, read=timeout_s)
        request = httpx.Request(
            "POST", self._url(path), headers=headers, content=body, extensions={"timeout": timeout.as_dict()}
        )
        with contextlib.closing(self.handle_request(request)) as response:
            return response.status_code, response.read()

    def _url(self, path: str) -> httpx.URL:
        return self._urls.get(path) or self._urls.setdefault(path, httpx.URL(self._base + path))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send; the body of the answer is read by who asked. httpcore's errors are left as they are."""
        asked = core_request(request)
        try:
            answer = self._usable(asked.url.origin).handle_request(asked)
        except BaseException:
            self.close()
            raise
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))

    def close(self) -> None:
        """Let the connection go; the next request makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def is_usable(self) -> bool:
        """Whether there is a connection that another request can go over."""
        found = self._connection
        return found is not None and found.is_idle() and not found.has_expired() and not has_surplus(found)

    def _usable(self, origin: httpcore.Origin) -> httpcore.HTTPConnection:
        if self._connection is None or not self.is_usable():
            self.close()
            self._connection = httpcore.HTTPConnection(
                origin, uds=self._socket, network_backend=self._backend
            )
        return self._connection


class _Body(httpx.SyncByteStream):
    """The body of an answer; closing it before its end closes the connection."""

    def __init__(self, body: Any) -> None:
        #: httpcore's own, which can be iterated and closed
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        self._body.close()


class _Backend(httpcore.SyncBackend):
    """httpcore's own sockets, with writes that go out together, and only to who is meant."""

    def __init__(self, is_theirs: Callable[[], bool]) -> None:
        self._is_theirs = is_theirs

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the port. Raises `httpcore.ConnectError` where another process may have answered."""
        stream = super().connect_tcp(host, port, timeout, local_address, socket_options)
        if not self._is_theirs():
            stream.close()
            raise httpcore.ConnectError(f"who listened on port {port} is gone, and nothing was sent")
        return _Stream(stream)

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

"""Sockets for httpcore that obey the `Watch` of the call that uses them.

httpcore takes a network backend as a documented parameter. This one never blocks on a socket: it tries, and
waits under the watch where the socket is not ready. TLS runs over memory buffers, so that one wait serves
plain connections, TLS, and TLS inside a proxy's TLS. A connection outlives its call and serves the next.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import httpcore
from httpcore import NetworkBackend, NetworkStream

from llm.addresses import why_refused
from llm.connect import Address, open_socket, resolve
from llm.endpoint import Endpoint
from llm.watch import READ, WRITE, current_watch

T = TypeVar("T")

#: Bytes read from below TLS at once: one record and its frame.
_TLS_READ: Final = 17 * 1024
#: What a connection is asked by `get_extra_info`, besides what httpcore asks: `WatchedStream.holds_more`.
HOLDS_MORE: Final = "holds_more"


class ConnectionStale(httpcore.ReadError):
    """A kept connection was closed by the server before it answered anything of this request."""


class WatchedStream(NetworkStream, abc.ABC):
    """What plain and TLS connections share: telling a stale connection from a broken answer."""

    _used = False

    @abc.abstractmethod
    def holds_more(self) -> bool:
        """Whether there is anything that was taken from the network and that nobody has read."""

    @abc.abstractmethod
    def receive(self, max_bytes: int, timeout: float | None) -> bytes:
        """Up to `max_bytes`; nothing at the end."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Receive, noting whether this connection and this request have ever been answered."""
        watch = current_watch()
        try:
            data = self.receive(max_bytes, timeout)
        except httpcore.ReadError as error:
            if self._used and not watch.answered:
                raise ConnectionStale(str(error)) from error
            raise
        if not data and self._used and not watch.answered:
            raise ConnectionStale("closed while idle")
        self._used = watch.answered = True
        return data

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        """Speak TLS over this connection."""
        try:
            return TlsStream(self, ssl_context, server_hostname, timeout)
        except BaseException as error:
            self.close()
            if isinstance(error, httpcore.ReadTimeout):
                raise httpcore.ConnectTimeout("the TLS handshake took too long") from error
            if isinstance(error, OSError | httpcore.NetworkError):
                raise httpcore.ConnectError(str(error)) from error
            raise


class SocketStream(WatchedStream):
    """A plain connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._unsent: list[bytes] = []

    def holds_more(self) -> bool:
        """Never: what is received is handed on."""
        return False

    def receive(self, max_bytes: int, timeout: float | None) -> bytes:
        """What the socket has, waiting for it where it has nothing."""
        watch = current_watch()
        if self._unsent:
            # A server may answer before it has read everything: what it says counts, not that it hung up.
            with contextlib.suppress(httpcore.WriteError):
                self._send(timeout)
        while True:
            # Also before a read that would not block: a server that floods must not outrun the deadline.
            watch.check()
            try:
                return self._sock.recv(max_bytes)
            except BlockingIOError:
                if not watch.wait(self._sock, READ, timeout):
                    raise httpcore.ReadTimeout from None
            except OSError as error:
                raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`, at the latest before the next read.

        The head and the body of a request come in two writes; sent as one they wake the server once.
        """
        if buffer:
            self._unsent.append(bytes(buffer))

    def _send(self, timeout: float | None) -> None:
        watch = current_watch()
        rest = memoryview(b"".join(self._unsent))
        self._unsent.clear()
        while rest:
            watch.check()
            try:
                rest = rest[self._sock.send(rest) :]
            except BlockingIOError:
                if not watch.wait(self._sock, WRITE, timeout):
                    raise httpcore.WriteTimeout from None
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        """``is_readable`` tells httpcore that an idle connection was closed by its server."""
        if info == "is_readable":
            return _is_readable(self._sock)
        if info == HOLDS_MORE:
            return self.holds_more()
        return self._sock if info == "socket" else None


class TlsStream(WatchedStream):
    """TLS over another stream."""

    def __init__(
        self,
        below: WatchedStream,
        context: ssl.SSLContext,
        server_hostname: str | None,
        timeout: float | None,
    ) -> None:
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        self._pump(self._tls.do_handshake, timeout)

    def _pump(self, step: Callable[[], T], timeout: float | None) -> T:
        """Repeat `step`, moving records between it and the stream below, until it is done."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush(timeout)
                self._feed(timeout)
            else:
                self._flush(timeout)
                return result

    def _flush(self, timeout: float | None) -> None:
        if self._outgoing.pending:
            self._below.write(self._outgoing.read(), timeout)

    def _feed(self, timeout: float | None) -> None:
        data = self._below.receive(_TLS_READ, timeout)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def holds_more(self) -> bool:
        """Whether there are records that hold more than what TLS tells itself, if only the end."""
        if self._below.holds_more():
            return True
        try:
            self._tls.read(1)
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            return True
        return True

    def receive(self, max_bytes: int, timeout: float | None) -> bytes:
        """Decrypted bytes; a connection that ends without TLS's goodbye has simply ended."""
        try:
            return self._pump(lambda: self._tls.read(max_bytes), timeout)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`, encrypted."""
        rest = memoryview(buffer)
        try:
            while rest:
                rest = rest[self._pump(functools.partial(self._tls.write, rest), timeout) :]
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        """Close the connection below."""
        self._below.close()

    def get_extra_info(self, info: str) -> Any:
        """What the stream below knows, and the TLS object."""
        if info == HOLDS_MORE:
            return self.holds_more()
        return self._tls if info == "ssl_object" else self._below.get_extra_info(info)


class WatchedBackend(NetworkBackend):
    """Makes connections that obey the current `Watch`, to addresses that a model server may have.

    A name is looked up once for each connection, and what is connected to is an address that was looked at.

    Parameters:
        endpoint: the server. A proxy is taken at its word: it stands in the user's settings, and is the one
            that looks the server's name up.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._is_trusted = endpoint.is_loopback or endpoint.proxy is not None
        self._may_be_private = endpoint.may_be_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """Connect to the first address of `host` that answers, within `timeout` seconds in all."""
        end = time.monotonic() + (timeout if timeout is not None else current_watch().check())
        addresses = self._allowed(resolve(host, port, end))
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for number, (family, address) in enumerate(addresses):
            # Each address gets a fair part, so that a dead IPv6 route leaves time for IPv4.
            share = max(end - time.monotonic(), 0) / (len(addresses) - number)
            try:
                return SocketStream(open_socket(family, address, share))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _allowed(self, addresses: list[Address]) -> list[Address]:
        """The addresses as they are, if every one may be connected to. Raises httpcore's `ConnectError`."""
        for _, (address, *_) in addresses:
            why = None if self._is_trusted else why_refused(address, may_be_private=self._may_be_private)
            if why is not None:
                raise httpcore.ConnectError(why)
        return addresses


def _is_readable(sock: socket.socket) -> bool:
    if sock.fileno() < 0:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], 0)[0])
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    return bool(poller.poll(0))

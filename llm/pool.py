"""Kept connections, in lanes.

httpx offers no way to bring a network backend, and httpcore's pool looks at every pair of idle connections at
every request: at 50 connections that is most of a call's work. So each lane is a connection of httpcore, or a
pool of one where a proxy stands in between. A request has a lane to itself from its start until its answer is
closed, and free lanes lie on a stack: the warmest is used first, those at the bottom are closed when they
have been idle for long.
"""

from __future__ import annotations

import collections
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

import httpcore
import httpx

from llm.endpoint import Endpoint
from llm.network import HOLDS_MORE, WatchedBackend

Lane = httpcore.HTTPConnection | httpcore.ConnectionPool

#: Seconds an idle connection is kept. Servers close after 5 s and more; a stale one costs one repeat.
KEEP_ALIVE_S: Final = 60.0


class LaneTransport(httpx.BaseTransport):
    """An httpx transport without a bound of its own: the caller bounds its concurrency.

    Parameters:
        endpoint: the only server it will connect to, and the proxy in between.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._tls = _tls_context() if endpoint.base_url.startswith("https:") else None
        self._proxy = httpx.Proxy(endpoint.proxy) if endpoint.proxy else None
        secure_proxy = self._proxy is not None and self._proxy.url.scheme == "https"
        self._proxy_tls = _tls_context() if secure_proxy else None
        self._backend = WatchedBackend(endpoint)
        self._lock = threading.Lock()
        #: free lanes with the monotonic time they became free, oldest first
        self._free: collections.deque[tuple[float, Lane]] = collections.deque()
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` over a lane. httpcore's errors are left as they are."""
        asked = core_request(request)
        lane = self._take(asked.url.origin)
        try:
            response = lane.handle_request(asked)
        except BaseException:
            self.give_back(lane)
            raise
        stream = _LaneStream(response.stream, self, lane)
        return httpx.Response(response.status, headers=response.headers, stream=stream)

    def _take(self, origin: httpcore.Origin) -> Lane:
        while True:
            with self._lock:
                lane = self._free.pop()[1] if self._free else None
            if lane is None:
                return self._make_lane(origin)
            if _is_usable(lane):
                return lane
            lane.close()

    def give_back(self, lane: Lane) -> None:
        """Free a lane; for the answer that had it."""
        now = time.monotonic()
        idle: list[Lane] = []
        with self._lock:
            if self._closed or has_surplus(lane):
                idle.append(lane)
            else:
                self._free.append((now, lane))
            while self._free and self._free[0][0] < now - KEEP_ALIVE_S:
                idle.append(self._free.popleft()[1])
        for old in idle:
            old.close()

    def _make_lane(self, origin: httpcore.Origin) -> Lane:
        if self._proxy is None:
            return httpcore.HTTPConnection(
                origin,
                ssl_context=self._tls,
                keepalive_expiry=KEEP_ALIVE_S,
                network_backend=self._backend,
            )
        return httpcore.HTTPProxy(
            proxy_url=str(self._proxy.url),
            proxy_auth=self._proxy.raw_auth,
            proxy_ssl_context=self._proxy_tls,
            ssl_context=self._tls,
            max_connections=1,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=self._backend,
        )

    def close(self) -> None:
        """Close the free lanes now, and those in use when their answers are closed."""
        with self._lock:
            self._closed = True
            free = list(self._free)
            self._free.clear()
        for _, lane in free:
            lane.close()


class _LaneStream(httpx.SyncByteStream):
    """The body of an answer; closing it frees the lane."""

    def __init__(self, body: Any, transport: LaneTransport, lane: Lane) -> None:
        #: httpcore's own, which can be iterated and closed
        self._body = body
        self._transport = transport
        self._lane: Lane | None = lane

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        lane, self._lane = self._lane, None
        try:
            self._body.close()
        finally:
            if lane is not None:
                self._transport.give_back(lane)


def _is_usable(lane: Lane) -> bool:
    """Whether a lane can take a request; a pool sees to that itself."""
    if isinstance(lane, httpcore.ConnectionPool):
        return True
    return lane.is_idle() and not lane.has_expired()


def has_surplus(lane: Lane) -> bool:
    """Whether a connection holds more than the answer that was asked for; for transports.

    httpcore leaves such bytes where they are and takes them for the answer to the next request, which is
    somebody else's (RFC 9112, 9.2: what comes unasked is no answer to anything; the connection is closed).
    So does TLS with records that came along. Where it cannot be told, for httpcore keeps to itself what it
    has read, the answer is yes.
    """
    made = lane.connections if isinstance(lane, httpcore.ConnectionPool) else [lane]
    return any(_is_more_left(each) for each in made)


def _is_more_left(connection: Any) -> bool:
    inner = connection
    while getattr(inner, "_connection", None) is not None:
        inner = inner._connection
    if inner.is_closed() or isinstance(inner, httpcore.HTTPConnection):
        return False  # nothing came over it, or nothing will any more
    state = getattr(inner, "_h11_state", None)  # of h11, which tells what it has not taken for an answer
    stream = getattr(inner, "_network_stream", None)
    if state is None or stream is None or state.trailing_data[0]:
        return True
    return bool(stream.get_extra_info(HOLDS_MORE))


def core_request(request: httpx.Request) -> httpcore.Request:
    """A request of httpx as httpcore sends it; for transports."""
    url = request.url
    assert isinstance(request.stream, httpx.SyncByteStream)  # noqa: S101  tells mypy that it is not async
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def _tls_context() -> ssl.SSLContext:
    """The authorities of certifi and the machine's own: an office's server may have the office's."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context

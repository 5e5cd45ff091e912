"""Waitress inside our own process, on loopback and perhaps a Unix socket, stopped when told.

Waitress has no public way to end its loop from another thread, so its loop is turned here, one poll at a
time, and the thread that waits for `stop` wakes it. After that nothing new is accepted, and what is being
answered gets a grace to finish. Every place that is listened at has a server of its own; they share one loop
and one set of threads.

A request that came by the socket has ``uid:N`` as its ``REMOTE_ADDR``: the user who sent it, by the kernel's
word. The gate looks at that as it looks at the address of other requests.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import flask
import waitress.server

import host_platform
from localhost import listening
from localhost.channel import Channel
from localhost.crowding import room, to_make_room
from localhost.dispatching import Dispatcher
from localhost.incoming import MaySend
from localhost.listening import ADDRESS, BACKLOG, PortTaken

__all__ = ["ADDRESS", "PortTaken", "serve"]

logger = logging.getLogger(__name__)

#: Over the largest `swarm_threads`, so that every thread can have a connection and others can knock.
CONNECTION_LIMIT: Final = 2048
#: Seconds a connection may stay silent. Answers may take hours; this is only about idle ones, which a client
#: keeps open between calls and must not find closed just as it sends the next.
CHANNEL_TIMEOUT_S: Final = 3 * 3600
#: Seconds between looks for how many threads are wanted; see `_adapter`.
ADAPT_EVERY_S: Final = 1.0
#: Well above what `localhost.body` reads, so that the answer to a large body is ours.
MAX_BODY_BYTES: Final = 8 * 1024 * 1024


def serve(
    app: flask.Flask,
    port: int,
    threads: int | Callable[[], int],
    stop: threading.Event,
    *,
    setting: str = "port",
    on_listening: Callable[[int], None] | None = None,
    on_closing: Callable[[], None] = lambda: None,
    every_second: Callable[[], None] = lambda: None,
    drain_s: float = 5.0,
    socket_path: Path | None = None,
    may_send: MaySend = lambda request: True,
) -> None:
    """Serve `app` on loopback, and at `socket_path` where one is given, until `stop` is set.

    Returns when the answers under way are out, or `drain_s` is over. `port` 0 takes a free one; the real one
    is told to `on_listening` before the first request is answered. `on_closing` is called before the port is
    let go, whatever the reason. `threads` that may become more are asked for every second, and `every_second`
    is called. `setting` names the port's setting in
    the error. `may_send` is asked in the loop, with the head of a request, whether its body is kept if it is
    long; otherwise the app cannot read it. Raises `PortTaken`, `SocketUnusable`.
    """
    count = threads if callable(threads) else lambda: threads
    servers = _open(app, _bind(port, setting, socket_path), count(), may_send)
    adapt = _adapter(servers[0].task_dispatcher, count, every_second)
    try:
        try:
            if on_listening is not None:
                on_listening(int(servers[0].effective_port))
            threading.Thread(target=_wake, args=(servers[0], stop), name="stop-watch", daemon=True).start()
            while not stop.is_set():
                _turn(servers[0])
                adapt()
                for channel in to_make_room(_channels(servers), room(CONNECTION_LIMIT)):
                    channel.handle_close()  # at once: one that takes nothing would never be seen to
        finally:
            on_closing()
        _drain(servers, time.monotonic() + drain_s)
    finally:
        _close(servers)
        if socket_path is not None:
            listening.remove_socket(socket_path)


def _bind(port: int, setting: str, socket_path: Path | None) -> list[socket.socket]:
    bound = listening.bind_port(port, setting)
    try:
        return bound if socket_path is None else [*bound, listening.bind_socket(socket_path)]
    except BaseException:
        for each in bound:
            each.close()
        raise


def _open(app: flask.Flask, bound: list[socket.socket], threads: int, may_send: MaySend) -> list[Any]:
    """A server for every socket; the first has the loop and the threads of all."""
    # A full queue is no fault of anybody's, and a waiting request shows as waiting.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    servers: list[Any] = []
    dispatcher = Dispatcher(threads)
    for each in bound:
        shared = {"map": servers[0]._map} if servers else {}
        servers.append(_create(app, each, threads, _dispatcher=dispatcher, **shared))
        servers[-1].may_send = may_send
        if each.family == socket.AF_UNIX:
            _tell_peers_apart(servers[-1])
    return servers


def _create(app: flask.Flask, bound: socket.socket, threads: int, **shared: Any) -> Any:
    create: Any = waitress.server.create_server
    server = create(
        app,
        sockets=[bound],
        threads=threads,
        connection_limit=CONNECTION_LIMIT,
        backlog=BACKLOG,
        channel_timeout=CHANNEL_TIMEOUT_S,
        max_request_body_size=MAX_BODY_BYTES,
        max_request_header_size=64 * 1024,
        asyncore_use_poll=True,  # select(2) ends at 1024 files
        channel_request_lookahead=1,
        ident=None,  # no Server header
        # The gate refuses a request that came through a proxy; clearing the headers would hide it.
        clear_untrusted_proxy_headers=False,
        expose_tracebacks=False,
        **shared,
    )
    server.channel_class = Channel
    return server


def _tell_peers_apart(server: Any) -> None:
    """Let the address of a caller by the socket be its user; waitress asks for both in one breath."""
    caller = {"uid": -1}

    def note(connection: socket.socket) -> None:
        caller["uid"] = -1
        caller["uid"] = host_platform.peer_uid(connection)

    server.set_socket_options = note
    server.fix_addr = lambda _address: (f"uid:{caller['uid']}", None)


def _wake(server: Any, stop: threading.Event) -> None:
    stop.wait()
    with contextlib.suppress(OSError):  # already closed
        server.pull_trigger()


def _turn(server: Any, timeout: float = 1.0) -> None:
    server.asyncore.loop(timeout=timeout, map=server._map, use_poll=True, count=1)


def _adapter(dispatcher: Any, count: Callable[[], int], also: Callable[[], None]) -> Callable[[], None]:
    """What adds threads where more are wanted. None is taken away: what they do may go on for long."""
    due, there = time.monotonic() + ADAPT_EVERY_S, count()

    def adapt() -> None:
        nonlocal due, there
        if time.monotonic() < due:
            return
        due, there = time.monotonic() + ADAPT_EVERY_S, max(there, count())
        dispatcher.set_thread_count(there)
        also()

    return adapt


def _drain(servers: list[Any], deadline: float) -> None:
    for server in servers:
        server.asyncore.dispatcher.close(server)  # the listening socket alone; connections stay
    while time.monotonic() < deadline and any(map(_is_busy, _channels(servers))):
        _turn(servers[0], 0.05)


def _channels(servers: list[Any]) -> list[Any]:
    return [channel for server in servers for channel in list(server.active_channels.values())]


def _is_busy(channel: Any) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)


def _close(servers: list[Any]) -> None:
    servers[0].task_dispatcher.shutdown(cancel_pending=True, timeout=1)
    for channel in _channels(servers):
        channel.handle_close()  # not `close`, which keeps the files that large answers are held in
    for dispatcher in list(servers[0]._map.values()):
        with contextlib.suppress(OSError):
            dispatcher.close()
    for server in servers:
        with contextlib.suppress(OSError):
            server.close()

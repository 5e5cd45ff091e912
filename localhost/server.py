"""Waitress inside our own process, on the literal loopback address, stopped when told.

Waitress has no public way to end its loop from another thread, so its loop is turned here, one poll at a
time, and the thread that waits for `stop` wakes it. After that nothing new is accepted, and what is being
answered gets a grace to finish.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final

import flask
import waitress.server

from errors import SkepError

logger = logging.getLogger(__name__)

ADDRESS: Final = "127.0.0.1"
#: Over the largest `swarm_threads`, so that every thread can have a connection and others can knock.
CONNECTION_LIMIT: Final = 2048
BACKLOG: Final = 1024
#: Seconds a connection may stay silent. Answers may take hours; this is only about idle ones, which a client
#: keeps open between calls and must not find closed just as it sends the next.
CHANNEL_TIMEOUT_S: Final = 3 * 3600
#: Well above what `localhost.body` reads, so that the answer to a large body is ours.
MAX_BODY_BYTES: Final = 8 * 1024 * 1024


class PortTaken(SkepError):
    """Another program has the port."""

    code: ClassVar[str] = "port_taken"


def serve(
    app: flask.Flask,
    port: int,
    threads: int,
    stop: threading.Event,
    *,
    setting: str = "port",
    on_listening: Callable[[int], None] | None = None,
    drain_s: float = 5.0,
) -> None:
    """Serve `app` on 127.0.0.1 until `stop` is set.

    Returns when the answers under way are out, or `drain_s` is over. `port` 0 takes a free one; the real one
    is told to `on_listening` before the first request is answered. `setting` names the port's setting in the
    error. Raises `PortTaken`.
    """
    server = _open(app, port, threads, setting)
    try:
        if on_listening is not None:
            on_listening(int(server.effective_port))
        threading.Thread(target=_wake, args=(server, stop), name="stop-watch", daemon=True).start()
        while not stop.is_set():
            _turn(server)
        _drain(server, time.monotonic() + drain_s)
    finally:
        _close(server)


def _open(app: flask.Flask, port: int, threads: int, setting: str) -> Any:
    # A full queue is no fault of anybody's, and a waiting request shows as waiting.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    create: Any = waitress.server.create_server
    return create(
        app,
        sockets=[_bind(port, setting)],
        threads=threads,
        connection_limit=CONNECTION_LIMIT,
        backlog=BACKLOG,
        channel_timeout=CHANNEL_TIMEOUT_S,
        max_request_body_size=MAX_BODY_BYTES,
        max_request_header_size=64 * 1024,
        asyncore_use_poll=True,  # select(2) ends at 1024 files
        ident=None,  # no Server header
        # The gate refuses a request that came through a proxy; clearing the headers would hide it.
        clear_untrusted_proxy_headers=False,
        expose_tracebacks=False,
    )


def _bind(port: int, setting: str) -> socket.socket:
    """The listening socket. Bound here: a failure inside waitress would leave threads and pipes behind."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((ADDRESS, port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise _explain(error, port, setting) from error
    return found


def _explain(error: OSError, port: int, setting: str) -> PortTaken:
    way_out = f"choose another with {setting} (SKEP_{setting.upper()} or skep.toml)"
    if error.errno == errno.EADDRINUSE:
        why = f"Port {port} on {ADDRESS} is taken by another program"
        return PortTaken(f"{why}, perhaps Skep itself; stop it, or {way_out}.", setting=setting, port=port)
    return PortTaken(
        f"Port {port} on {ADDRESS} cannot be opened ({error.strerror}); {way_out}.", setting=setting
    )


def _wake(server: Any, stop: threading.Event) -> None:
    stop.wait()
    with contextlib.suppress(OSError):  # already closed
        server.pull_trigger()


def _turn(server: Any, timeout: float = 1.0) -> None:
    server.asyncore.loop(timeout=timeout, map=server._map, use_poll=True, count=1)


def _drain(server: Any, deadline: float) -> None:
    server.asyncore.dispatcher.close(server)  # the listening socket alone; connections stay
    while time.monotonic() < deadline and any(map(_is_busy, list(server.active_channels.values()))):
        _turn(server, 0.05)


def _is_busy(channel: Any) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)


def _close(server: Any) -> None:
    server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)
    for dispatcher in list(server._map.values()):
        with contextlib.suppress(OSError):
            dispatcher.close()
    with contextlib.suppress(OSError):
        server.close()

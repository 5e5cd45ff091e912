"""Who may talk to a port on loopback.

A port on 127.0.0.1 is open to every program of the machine and, through the browser, to every web page its
user opens. `check_transport` therefore asks, before anything else is looked at, whether the request came
straight from this machine under this machine's name; `check_bearer` then lets in programs that hold the token
and nothing a browser sends. Nothing here believes a header that says where a request came from.
"""

from __future__ import annotations

import hmac
import os
from typing import Final

import flask
from werkzeug.exceptions import MethodNotAllowed

from errors import ForeignRequest, InvalidRequest, NotAuthenticated

PEERS: Final = frozenset({"127.0.0.1", "::1"})
NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
#: How the address of who called by the Unix socket begins; its user follows.
SOCKET_PEER: Final = "uid:"
#: The ``Host`` of a call by the socket.
SOCKET_HOST: Final = "localhost"
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


class Forwarded(InvalidRequest):
    """A request that came through a proxy is not answered here."""

    code = "forwarded"
    http_status = 400


class Misdirected(ForeignRequest):
    """This name is not served here."""

    code = "misdirected"
    http_status = 421


class MethodRefused(InvalidRequest):
    """This method is never answered here."""

    code = "method_refused"
    http_status = 405


class WrongMediaType(InvalidRequest):
    """The body must be application/json."""

    code = "wrong_media_type"
    http_status = 415


class SocketOnly(ForeignRequest):
    """This is answered on the Unix socket alone."""

    code = "socket_only"


_NOT_THIS_MACHINE: Final = "Only programs on this machine are answered."
#: What a request is refused with before anybody looks at what it asks for.
REFUSALS: Final = (ForeignRequest, NotAuthenticated, Forwarded, MethodRefused, WrongMediaType)


def hosts(port: int) -> frozenset[str]:
    """The ``Host`` headers that mean this port of this machine."""
    return frozenset(f"{name}:{port}" for name in NAMES)


def origins(port: int) -> frozenset[str]:
    """The ``Origin`` headers of this port's own pages."""
    return frozenset(f"http://{host}" for host in hosts(port))


def came_by_socket(request: flask.Request) -> bool:
    """Whether the request came by the Unix socket; the server tells the sender's user as its address."""
    return str(request.environ.get("REMOTE_ADDR")).startswith(SOCKET_PEER)


def check_transport(request: flask.Request, port: int) -> None:
    """Raise unless the request came straight from this machine, under its name, from no foreign page."""
    by_socket = came_by_socket(request)
    peers = {f"{SOCKET_PEER}{os.geteuid()}"} if by_socket else PEERS
    if request.environ.get("REMOTE_ADDR") not in peers:
        raise ForeignRequest(
            "Only programs of the same user are answered." if by_socket else _NOT_THIS_MACHINE
        )
    for header, _ in request.headers:
        if _tells_of_a_proxy(header):
            raise Forwarded(f"The request carries {header}; call this port directly, without a proxy.")
    if request.environ.get("HTTP_HOST", "").lower() not in ({SOCKET_HOST} if by_socket else hosts(port)):
        names = SOCKET_HOST if by_socket else f"127.0.0.1:{port}, localhost:{port} or [::1]:{port}"
        raise Misdirected(f"Call this {'socket' if by_socket else 'port'} as {names}.")
    if not str(request.environ.get("REQUEST_URI", "/")).startswith("/"):
        # RFC 9112, 3.2.2: the name in an absolute target counts, not the one in Host.
        raise Misdirected("Ask for a path, not for a whole address.")
    if request.method in {"OPTIONS", "TRACE", "CONNECT"}:
        raise MethodRefused
    check_origin(request, port)


def _tells_of_a_proxy(header: str) -> bool:
    name = header.lower()
    return name in {"forwarded", "via"} or name.startswith("x-forwarded-")


def check_origin(request: flask.Request, port: int) -> None:
    """Raise `ForeignRequest` when the request says it comes from a page that is not this port's own."""
    origin = request.headers.get("Origin")
    if origin is not None and origin not in origins(port):
        raise ForeignRequest("Pages of other sites and ports may not call this port.")


def check_site(request: flask.Request) -> None:
    """Raise `ForeignRequest` when a browser says that the page of another site or port asked for this.

    That is told for images, scripts, frames and event streams too, which send no ``Origin``.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise ForeignRequest("Pages of other sites and ports may not call this port.")


def check_bearer(request: flask.Request, token: str) -> None:
    """Raise unless a program, not a browser, sent the token, and a body that is sent is JSON."""
    if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
        raise ForeignRequest("Browsers are not answered here; use the control panel.")
    if not has_token(request, token):
        raise NotAuthenticated("Send the token of .swarm/execution_token as `Authorization: Bearer ...`.")
    check_json(request)


def has_token(request: flask.Request, token: str) -> bool:
    """Whether the request carries this bearer token; an empty token fits nothing."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    return bool(token) and scheme.lower() == "bearer" and same


def check_json(request: flask.Request) -> None:
    """Raise `WrongMediaType` when a method that changes something comes with anything but JSON."""
    if isinstance(request.routing_exception, MethodNotAllowed):
        return  # it is refused as such
    if request.method not in SAFE_METHODS and request.mimetype != "application/json":
        raise WrongMediaType(
            f"Send the body as application/json, not {request.mimetype or 'without a type'}."
        )

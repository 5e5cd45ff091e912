"""The panel's gate: the order in which a request is looked at before any page or route sees it.

First whether it comes straight from this machine (`localhost.gate`), then whether a foreign page sent it,
then who is there: a browser by its session, a program by the execution token. A change by a browser must
besides come from the panel's own page, as JSON, with the token that only this page knows.
"""

from __future__ import annotations

from typing import Final

import flask

from errors import ForeignRequest, NotAuthenticated, SkepError, StoreError
from localhost import gate, problems
from panel.context import EXTENSION, Panel, panel
from store import private_files

CSRF_HEADER: Final = "X-CSRF-Token"
#: Endpoints that answer without a login. None of them tells or changes anything of the home.
PUBLIC: Final = frozenset({"static", "healthz.healthz", "session.login", "spawner.gone"})

PAGE_HEADERS: Final = problems.SERVICE_HEADERS | {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types default"
    ),
}


class NoCsrfToken(ForeignRequest):
    """The request does not come from the panel's own page."""

    code = "no_csrf_token"


def check(request: flask.Request) -> None:
    """Raise unless the request may go on to its page or route."""
    here = panel()
    gate.check_transport(request, here.port)
    check_sender(request)
    if request.endpoint == "session.login":
        check_own_page(request)
    if request.endpoint in PUBLIC:
        return
    if "Authorization" in request.headers:
        gate.check_bearer(request, read_token(here))
        flask.g.by = "api"
        return
    if not here.sessions.is_open():
        raise NotAuthenticated("Log in first: `skep panel` prints a link. Programs send the execution token.")
    flask.g.by = "panel"
    if request.method not in gate.SAFE_METHODS:
        check_own_page(request)
        gate.check_json(request)
        check_csrf(request, here)


def check_sender(request: flask.Request) -> None:
    """Raise `ForeignRequest` when the browser says that another site's page sent this."""
    is_visit = request.headers.get("Sec-Fetch-Mode") == "navigate"
    is_whole_page = request.headers.get("Sec-Fetch-Dest") == "document"
    if not (request.method == "GET" and request.path == "/" and is_visit and is_whole_page):
        gate.check_site(request)


def check_own_page(request: flask.Request) -> None:
    """Raise `ForeignRequest` unless the browser says that the panel's own page sent this.

    The ``Origin``, where there is one, was found to be ours before.
    """
    if "Origin" not in request.headers and request.headers.get("Sec-Fetch-Site") != "same-origin":
        raise ForeignRequest("Changes are taken from the panel's own pages, or with the execution token.")


def check_csrf(request: flask.Request, here: Panel) -> None:
    """Raise `NoCsrfToken` unless the page showed the token it was given."""
    if not here.sessions.is_csrf_token(request.headers.get(CSRF_HEADER, "")):
        raise NoCsrfToken("The page is out of date; reload it.")


def may_send(app: flask.Flask, request: flask.Request) -> bool:
    """Whether who sent this head may send a long body: a program with the token, a browser that is in."""
    here: Panel = app.extensions[EXTENSION]
    if "Authorization" in request.headers:
        return gate.has_token(request, read_token(here))
    session = app.session_interface.open_session(app, request)
    return session is not None and here.sessions.has(session)


def is_still_in() -> bool:
    """Whether who asked is still logged in; a program's token was looked at when it came."""
    return "Authorization" in flask.request.headers or panel().sessions.is_open()


def note_refusal(error: Exception, request: flask.Request) -> None:
    """Put a refusal into the audit; a person who has not logged in, and a login, are none of these."""
    is_stranger = isinstance(error, NotAuthenticated) and "Authorization" not in request.headers
    if isinstance(error, SkepError) and isinstance(error, gate.REFUSALS) and not is_stranger:
        panel().refusals.note_request(error.code, request)


def read_token(here: Panel) -> str:
    """The execution token of this home; empty where there is none, or where others could have read it."""
    try:
        return private_files.read(here.home.token)
    except (OSError, StoreError):
        return ""


def add_headers(response: flask.Response) -> flask.Response:
    """Put the headers of a page on an answer that does not have them."""
    for name, value in PAGE_HEADERS.items():
        response.headers[name] = value
    if flask.request.endpoint == "static":
        response.headers["Cache-Control"] = "no-cache"  # nobody's data: kept, and asked about each time
    return response

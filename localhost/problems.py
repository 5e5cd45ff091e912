"""Every error as RFC 9457 problem details, and the headers that keep browsers out of a JSON service."""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Callable
from typing import Any, Final

import flask
from werkzeug.exceptions import HTTPException

from errors import SkepError
from localhost import plain_json
from redaction import clean_value

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

#: For an answer that is data, never a page.
SERVICE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_SERVICE_HEADERS_BY_KEY: Final = {name.lower(): (name, value) for name, value in SERVICE_HEADERS.items()}


def install(app: flask.Flask, observe: Callable[[Exception], None] = lambda error: None) -> None:
    """Answer every error of `app` as a problem, and put the headers of a JSON service on every answer.

    `observe` is shown each error before it is answered.
    """

    def answer_observed(error: Exception) -> flask.Response:
        observe(error)
        return answer(error)

    app.register_error_handler(Exception, answer_observed)
    app.after_request(_add_headers)


def _add_headers(response: flask.Response) -> flask.Response:
    present = {name.lower() for name in response.headers.keys()}  # noqa: SIM118  iterated, it gives pairs
    for key, (name, value) in _SERVICE_HEADERS_BY_KEY.items():
        if key not in present:
            response.headers.add(name, value)
    return response


def answer(error: Exception) -> flask.Response:
    """The answer to an error, whatever it is."""
    if isinstance(error, SkepError):
        return _of_ours(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    number = secrets.token_hex(4)
    logger.error("unexpected error %s", number, exc_info=error, extra={"error_id": number})
    problem = {
        "type": "urn:skep:problem:unexpected",
        "title": "Something went wrong that should not have",
        "status": 500,
        "detail": f"The log has the details under {number}.",
        "code": "unexpected",
        "id": number,
    }
    return respond(problem)


def _of_ours(error: SkepError) -> flask.Response:
    if error.http_status >= 500:
        logger.warning("%s: %s", error.code, error.message)
    response = respond(error.to_problem())
    retry_after = getattr(error, "retry_after_s", None) or error.details.get("retry_after_s")
    if retry_after:
        response.headers["Retry-After"] = str(math.ceil(retry_after))
    if error.http_status == 405:
        response.headers["Allow"] = ", ".join(_methods_here())
    return response


def _methods_here() -> list[str]:
    """What the address that was asked for does answer (RFC 9110, 15.5.6); nothing where there is none.

    Where two routes fit the address, as one whose last part takes slashes does, the nearer one is told.
    """
    adapter = flask.globals.request_ctx.url_adapter
    if adapter is None:
        return []
    found: dict[str, set[str]] = {}
    for method in set(adapter.allowed_methods()) - {"OPTIONS"}:
        rule, _ = adapter.match(method=method, return_rule=True)
        found.setdefault(rule.rule, set()).add(method)
    return sorted(found[max(found, key=_fixed_parts)]) if found else []


def _fixed_parts(rule: str) -> int:
    """How many parts of an address a route spells out: of two routes that fit, the nearer one has more."""
    return sum(not part.startswith("<") for part in rule.split("/"))


def _of_http(error: HTTPException) -> flask.Response:
    status = error.code or 500
    if error.response is not None or status < 400:
        kept: Any = error.get_response()
        return flask.make_response(kept)
    code = error.name.lower().replace(" ", "_")
    response = respond(
        {
            "type": f"urn:skep:problem:{code}",
            "title": error.name,
            "status": status,
            "detail": error.description or error.name,
            "code": code,
        }
    )
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = ", ".join(_methods_here()) if name == "Allow" else value
    return response


def respond(problem: dict[str, Any]) -> flask.Response:
    """A problem as an answer; its ``status`` is the answer's."""
    body = plain_json.dumps(clean_value(problem), default=str)
    response = flask.Response(body, status=problem["status"], mimetype=MEDIA_TYPE)
    if problem["status"] == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="skep"'
    return response

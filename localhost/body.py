"""Reading a request's body: one strict JSON object of bounded size and depth."""

from __future__ import annotations

import json
from typing import Any, Final

import flask
from werkzeug.exceptions import HTTPException

from errors import InvalidFile, InvalidRequest
from localhost import gate
from localhost.incoming import MOST_OF_A_STRANGER, Dropped
from runtime_contract import Limits
from store.queue_file import strict_json

MAX_BYTES: Final = 1024 * 1024


class BodyTooLarge(InvalidRequest):
    """The body is too large."""

    code = "body_too_large"
    http_status = 413


def read_object(request: flask.Request, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The JSON object a request carries; an empty body is an empty object. Raises `InvalidRequest`."""
    gate.check_json(request)
    data = _read(request, max_bytes)
    if not data:
        return {}
    found = _parse(data)
    if not isinstance(found, dict):
        raise InvalidRequest("The body must be a JSON object.", line=1, column=1)
    return found


def _parse(data: bytes) -> Any:
    try:
        found = strict_json.parse(data, Limits(file_bytes=len(data)))
    except InvalidFile as error:
        where = f"line {error.details['line']}, column {error.details['column']}"
        raise InvalidRequest(f"The body is not JSON: {error.message} ({where}).", **error.details) from None
    if b"\\u" in data:  # only written as an escape can half a pair be in bytes that are UTF-8
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise InvalidRequest("The body has half a surrogate pair, which is no text.") from None
    return found


def _read(request: flask.Request, max_bytes: int) -> bytes:
    if isinstance(request.environ["wsgi.input"], Dropped):
        most = min(max_bytes, MOST_OF_A_STRANGER)
        raise BodyTooLarge(f"The body is over the {most:,} bytes that are read without token or session.")
    if request.content_length is not None and request.content_length > max_bytes:
        raise BodyTooLarge(f"The body is {request.content_length:,} bytes; at most {max_bytes:,} are read.")
    length = request.content_length
    try:
        # Room is made for all that is asked for, so that is no more than what was announced.
        data = request.stream.read(max_bytes + 1 if length is None else length)
    except (HTTPException, OSError) as error:
        raise InvalidRequest("The body ended before it was complete.") from error
    if len(data) > max_bytes:
        raise BodyTooLarge(f"The body is over the {max_bytes:,} bytes that are read.")
    return bytes(data)

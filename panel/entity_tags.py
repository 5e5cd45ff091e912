"""Entity tags for what the API answers (RFC 9110, section 8.8.3): 304 to who has it already."""

from __future__ import annotations

import flask


def add(response: flask.Response) -> flask.Response:
    """Tag a whole JSON answer to a GET by its content, where its route has not."""
    request = flask.request
    is_read = request.method in {"GET", "HEAD"} and request.path.startswith("/api/v1/")
    if is_read and response.status_code == 200 and response.is_json and not response.is_streamed:
        if "ETag" not in response.headers:
            response.add_etag()
        response.make_conditional(request)
    return response

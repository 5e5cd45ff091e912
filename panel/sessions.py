"""Who is logged in. Kept in memory: a new start of the panel asks everybody to log in again."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

import flask

from errors import NotAuthenticated

_ID: Final = "id"
#: Browsers that are logged in at once; the oldest is forgotten.
MOST_SESSIONS: Final = 100


class Sessions:
    """The browsers that are logged in, each with the token its pages must show."""

    def __init__(self) -> None:
        self._csrf_of: dict[str, str] = {}

    @staticmethod
    def new_name() -> str:
        """A fresh id."""
        return secrets.token_urlsafe(32)

    def open(self, name: str) -> None:
        """Log the browser of this request in, under a fresh id."""
        while len(self._csrf_of) >= MOST_SESSIONS:
            self._csrf_of.pop(next(iter(self._csrf_of)), None)
        self._csrf_of[name] = secrets.token_urlsafe(32)
        flask.session.clear()
        flask.session[_ID] = name

    def close(self) -> None:
        """Log the browser of this request out."""
        self._csrf_of.pop(str(flask.session.get(_ID)), None)
        flask.session.clear()

    @property
    def digest(self) -> str:
        """What tells this browser's session from others in the audit."""
        return digest_of(str(flask.session.get(_ID)))

    def is_open(self) -> bool:
        """Whether the browser of this request is logged in."""
        return self.has(flask.session)

    def has(self, session: Mapping[str, object]) -> bool:
        """Whether this is the session of a browser that is logged in."""
        return session.get(_ID) in self._csrf_of

    @staticmethod
    def is_of_another_start() -> bool:
        """Whether the browser of this request shows a session that this start of the panel did not sign."""
        name = flask.current_app.config["SESSION_COOKIE_NAME"]
        return name in flask.request.cookies and not flask.session

    @property
    def csrf_token(self) -> str:
        """What this browser's pages must send with every change. Raises `NotAuthenticated`."""
        token = self._csrf_of.get(str(flask.session.get(_ID)))
        if token is None:
            raise NotAuthenticated
        return token

    def is_csrf_token(self, given: str) -> bool:
        """Whether this is the token of this browser's pages."""
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.csrf_token.encode())


def digest_of(name: str) -> str:
    """SHA-256 of a session's id, which is of no use to who finds it."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()

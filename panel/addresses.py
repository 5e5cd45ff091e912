"""Addresses of pages and routes: each is put together once, and a list of tasks has some hundred of them."""

from __future__ import annotations

import functools
from typing import Any, Final

import flask

#: Addresses that are remembered.
_MOST: Final = 4096


def url_for(endpoint: str, **values: Any) -> str:
    """The path of an endpoint, as `flask.url_for` makes it within a request.

    The panel has one form of address, at the root of its port, so that it depends on nothing of the request.
    """
    try:
        return _path(endpoint, tuple((name, type(value), value) for name, value in values.items()))
    except TypeError:  # a list among the values
        return flask.url_for(endpoint, **values)


@functools.lru_cache(maxsize=_MOST)
def _path(endpoint: str, values: tuple[tuple[str, type, Any], ...]) -> str:
    """The types are there because 1 and True are equal, and are written differently."""
    return flask.url_for(endpoint, **{name: value for name, _, value in values})

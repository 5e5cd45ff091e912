"""What a request may say: each parameter and field read with its bound, unknown ones refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar

import flask
import pydantic
from werkzeug.datastructures import MultiDict

from errors import InvalidRequest
from localhost.body import read_object
from runtime_contract import Status

LONGEST_TEXT: Final = 10_000
LARGEST_PAGE: Final = 500
LARGEST_PLACE: Final = 2**62


def check_parameters(given: MultiDict[str, str], *known: str, several: Collection[str] = ()) -> None:
    """Refuse a parameter that would have no effect: one that is unknown, or that is given once more.

    Those of `several` may be given more than once.
    """
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise InvalidRequest(f"There is no parameter {unknown[0]!r}; known are {', '.join(known)}.")
    for name, values in given.lists():
        if len(values) > 1 and name not in several:
            raise InvalidRequest(f"{name} is given {len(values)} times; give it once.")


def statuses(given: MultiDict[str, str]) -> list[str]:
    """The statuses asked for: ``status=failed,cancelled``, or several ``status``."""
    wanted = words_of(given, "status")
    for word in wanted:
        if word not in set(Status):
            raise InvalidRequest(f"{word[:80]!r} is not a status; choose of {', '.join(Status)}.")
    return wanted


def words_of(given: MultiDict[str, str], name: str) -> list[str]:
    """The words of a parameter, with commas between them, or given several times."""
    return [word for text in given.getlist(name) if text for word in text.split(",")]


def limit(given: MultiDict[str, str], default: int) -> int:
    """How many entries a page has."""
    return _number(given, "limit", 1, LARGEST_PAGE) or default


def place(given: MultiDict[str, str], name: str) -> int | None:
    """Where a page begins: what ``next`` of the page before said; an empty one counts as left out."""
    return _number(given, name, 0, LARGEST_PLACE) if given.get(name) else None


def _number(given: MultiDict[str, str], name: str, least: int, most: int) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most):
        raise InvalidRequest(f"{name} must be a whole number from {least} to {most:,}, not {text[:40]!r}.")
    return int(text)


def body(request: flask.Request, *known: str) -> dict[str, str]:
    """The texts of a JSON body; those left out or null are missing."""
    found: Mapping[str, Any] = read_object(request)
    for name, value in found.items():
        if name not in known:
            raise InvalidRequest(f"There is no field {name[:80]!r}; known are {', '.join(known) or 'none'}.")
        if value is not None and not (isinstance(value, str) and len(value) <= LONGEST_TEXT):
            raise InvalidRequest(f"{name} must be a text of at most {LONGEST_TEXT:,} characters.")
    return {name: value for name, value in found.items() if value is not None and value.strip()}


Model = TypeVar("Model", bound=pydantic.BaseModel)


def document(request: flask.Request, model: type[Model]) -> Model:
    """A JSON body that has numbers, lists or flags, read as `model`, which says what it may hold.

    The model forbids what it does not know (``extra="forbid"``) and converts nothing (``strict=True``).
    Raises `InvalidRequest`, naming the field and the rule.
    """
    try:
        return model.model_validate(read_object(request))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise InvalidRequest(f"{where}: {first['msg']}.", field=where) from None

"""What a schema refuses of a document, as a place in it, a rule and a sentence with the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import pydantic

from config_files.documents import Document
from task_errors import shorten

Way = tuple[str | int, ...]


class Wrong(NamedTuple):
    """One thing that is wrong."""

    path: Way
    #: stable name of the rule
    rule: str
    message: str


def found_by(error: pydantic.ValidationError) -> list[Wrong]:
    """All that a schema refuses, in its order."""
    return [_one(each) for each in error.errors(include_url=False, include_context=False)]


def _one(found: Any) -> Wrong:
    path = tuple(part for part in found["loc"] if isinstance(part, int) or not _is_arm(part))
    rule = found["type"]
    if rule == "missing":
        return Wrong(path, "missing", "is missing")
    if rule == "extra_forbidden":
        return Wrong(path, "unknown_key", "is not a key that is known here")
    message = found["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if found["msg"].startswith("Input should be "):
        return Wrong(path, "wrong", f"must be {message}, got {shorten(found['input'])}")
    return Wrong(path, "wrong", message)


#: Arms of unions, as pydantic names them in a path, beside those it makes up.
_ARMS: Final = frozenset({"str", "int", "float", "RunPolicy", "[key]"})


def _is_arm(part: str) -> bool:
    """Whether pydantic names an arm of a union here, which stands nowhere in the file."""
    return part.startswith(("constrained-", "list[", "function-")) or part in _ARMS


def told(document: Document, found: Sequence[Wrong]) -> tuple[str, list[dict[str, Any]]]:
    """The first of what is wrong in a sentence with its place, and all of it for programs."""
    listed = [_told(document, each) for each in found]
    more = f" (and {len(listed) - 1} more)" if len(listed) > 1 else ""
    return f"{listed[0]['text']}{more}", listed


def _told(document: Document, wrong: Wrong) -> dict[str, Any]:
    spot = document.spot(wrong.path)
    named = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in wrong.path).lstrip(".")
    where = document.where(wrong.path)
    return {
        "rule": wrong.rule,
        "path": named,
        "message": wrong.message,
        "line": None if spot is None else spot.line,
        "column": None if spot is None else spot.column,
        "text": f"{where}: {named}: {wrong.message}" if named else f"{where}: {wrong.message}",
    }


def with_way_out(wrong: Wrong, kind: type[pydantic.BaseModel]) -> Wrong:
    """The same with what to do about it, by the keys that a schema knows."""
    if wrong.rule == "missing":
        return wrong._replace(message="is missing; add it")
    if wrong.rule != "unknown_key":
        return wrong
    known = sorted(set(_keys(kind.model_json_schema())))
    close = difflib.get_close_matches(str(wrong.path[-1]), known, n=1)
    way_out = f"did you mean {close[0]}?" if close else "take it out (docs/configuration.md lists the keys)"
    return wrong._replace(message=f"{wrong.message}; {way_out}")


def _keys(schema: Any) -> Iterator[str]:
    """Every key that stands anywhere in a JSON schema."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in schema.values():
            yield from _keys(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _keys(value)

"""Where the references of a JSON Schema lead, and whether whoever follows them ever comes to an end.

A schema is judged without fetching anything, so a reference must lead to a schema within it, or to one of
the metaschemas that the library knows. And it must not lead back to where it stands while the same part of
the answer is looked at: a loop through `properties` or `items` goes on to a smaller part and ends with the
answer, one through `allOf`, `not` or another reference never does.

What must never break: a schema that can be judged is let through, whatever its references are called, so the
library that judges resolves them here too. Nothing here goes deeper with the length of a chain of references.
"""

from __future__ import annotations

import graphlib
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from task_errors import shorten

_KEYWORDS: Final = ("$ref", "$dynamicRef")
#: Keywords whose schemas look at the very part of the answer that the schema around them looks at.
_LISTS_IN_PLACE: Final = ("allOf", "anyOf", "oneOf")
_SCHEMAS_IN_PLACE: Final = ("not", "if")
_AFTER_IF: Final = ("then", "else")
_NOTHING_FETCHED: Final = "leads out of it, and nothing is fetched: put what it names under $defs"
_ENDLESS: Final = "leads back to itself at the same part of the answer, without end"


def trouble_of(schema: dict[str, Any]) -> str | None:
    """Why the references of a schema, which breaks no other rule, can never be followed; or none."""
    try:
        walk = _Walk(schema)
        return walk.lost() or walk.endless()
    except RecursionError:
        raise
    except Exception as error:  # as the critics say it of an $id or $schema that nothing can be made of
        return f"cannot be applied: {shorten(str(error) or type(error).__name__)}"


class _Walk:
    """Goes once through every schema within a schema, and those that only a reference leads to."""

    def __init__(self, schema: dict[str, Any]) -> None:
        # Large, and few tasks have a schema.
        import jsonschema_specifications  # type: ignore[import-untyped]  # noqa: PLC0415
        import referencing.jsonschema  # noqa: PLC0415

        self._exceptions = referencing.exceptions
        self._dialect = referencing.jsonschema.DRAFT202012
        whole = self._dialect.create_resource(schema)
        known = jsonschema_specifications.REGISTRY
        registry = known.with_resource(whole.id() or "", whole).crawl()
        self._waiting = deque([(whole, registry.resolver_with_root(whole))])
        self._own = {id(part) for part in _objects(schema)}
        #: by the identity of a schema, those that look at the same part of the answer
        self._in_place: dict[int, list[int]] = {}
        #: the reference between two schemas
        self._followed: dict[tuple[int, int], str] = {}

    def lost(self) -> str | None:
        """The first reference that leads to no schema, in words; or none."""
        while self._waiting:
            part, resolver = self._waiting.popleft()
            if not isinstance(part.contents, dict) or id(part.contents) in self._in_place:
                continue
            self._in_place[id(part.contents)] = [id(each) for each in _applied_in_place(part.contents)]
            within = [(each, resolver.in_subresource(each)) for each in part.subresources()]
            self._waiting.extendleft(reversed(within))
            for keyword in _KEYWORDS:
                trouble = self._follow(part.contents, keyword, resolver)
                if trouble is not None:
                    return f"cannot be applied: its {keyword} {shorten(part.contents[keyword])} {trouble}"
        return None

    def _follow(self, schema: dict[str, Any], keyword: str, resolver: Any) -> str | None:
        """Look a reference up and go on from there; or say what is wrong with it."""
        reference = schema.get(keyword)
        if not isinstance(reference, str):
            return None
        try:
            found = resolver.lookup(reference)
        except (self._exceptions.Unresolvable, ValueError, LookupError, TypeError) as error:
            return self._told(error)
        if not isinstance(found.contents, dict):
            return None if isinstance(found.contents, bool) else "leads to what is no schema"
        if id(found.contents) in self._own:
            self._in_place[id(schema)].append(id(found.contents))
            self._followed[id(schema), id(found.contents)] = f"{keyword} {shorten(reference)}"
            self._waiting.append((self._dialect.create_resource(found.contents), found.resolver))
        return None

    def _told(self, error: Exception) -> str:
        within = (
            self._exceptions.PointerToNowhere,
            self._exceptions.NoSuchAnchor,
            self._exceptions.InvalidAnchor,
        )
        is_out = isinstance(error, self._exceptions.Unresolvable) and not isinstance(error, within)
        return _NOTHING_FETCHED if is_out else "leads nowhere"

    def endless(self) -> str | None:
        """A reference that leads back to itself at the same part of the answer, in words; or none."""
        try:
            graphlib.TopologicalSorter(self._in_place).prepare()
        except graphlib.CycleError as error:
            # Each stands before the one that it leads from; the last is the first again.
            steps = zip(error.args[1][1:], error.args[1], strict=False)
            told = next(self._followed[step] for step in steps if step in self._followed)
            return f"cannot be applied: its {told} {_ENDLESS}"
        return None


def _applied_in_place(schema: dict[str, Any]) -> Iterator[object]:
    """The schemas directly within one which look at the same part of the answer."""
    for keyword in _LISTS_IN_PLACE:
        yield from schema.get(keyword, ())
    yield from schema.get("dependentSchemas", {}).values()
    keywords = (*_SCHEMAS_IN_PLACE, *(_AFTER_IF if "if" in schema else ()))
    yield from (schema[keyword] for keyword in keywords if keyword in schema)


def _objects(value: object) -> Iterator[dict[str, Any]]:
    """Every object within a JSON value."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _objects(each)

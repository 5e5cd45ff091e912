"""What a request may hold, as JSON Schema made of the pydantic model that checks it.

A description that is made of the check cannot say something else than the check does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pydantic
from pydantic.json_schema import JsonSchemaMode, models_json_schema

REFERENCE: Final = "#/components/schemas/{model}"
#: Keywords of JSON Schema by what annotated-types calls the same.
_BOUNDS: Final = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def components(models: Sequence[tuple[type[pydantic.BaseModel], JsonSchemaMode]]) -> dict[str, Any]:
    """The schemas of models and of all that they are made of, by name, as components of a document."""
    _, found = models_json_schema(models, ref_template=REFERENCE)
    schemas: dict[str, Any] = _with_bounds(found["$defs"])
    return schemas


def whole(model: type[pydantic.BaseModel]) -> dict[str, Any]:
    """The schema of a model in one piece; a model that holds itself has none."""
    made = _with_bounds(model.model_json_schema())
    parts = made.pop("$defs", {})
    schema: dict[str, Any] = _inlined(made, parts)
    return schema


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].rpartition("/")[2]], parts)
    return {name: _inlined(value, parts) for name, value in schema.items()}


def _with_bounds(schema: Any) -> Any:
    """A schema whose bounds have the names of JSON Schema; pydantic leaves those of a union as its own."""
    if isinstance(schema, list):
        return [_with_bounds(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {_BOUNDS.get(name, name): _with_bounds(value) for name, value in schema.items()}

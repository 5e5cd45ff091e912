"""Whether a value is what a JSON Schema (draft 2020-12) asks for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import jsonschema
import referencing.jsonschema


class NoSchema(Exception):
    """What is given as a schema is none."""


def errors(value: object, schema: dict[str, Any], most: int) -> Iterator[str]:
    """Where the value is not as the schema asks, and how, the first `most`. Raises `NoSchema`."""
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise NoSchema(error.message) from error
    # With a registry of its own a validator fetches nothing: a $ref must not reach the network or a file.
    validator = jsonschema.Draft202012Validator(schema, registry=referencing.jsonschema.EMPTY_REGISTRY)
    for found in itertools.islice(validator.iter_errors(value), most):
        yield f"at {found.json_path}: {found.message}"

"""What is said of a value that breaks the contract: its path, the rule, and the value, in one sentence."""

from __future__ import annotations

from typing import Any, Final

import pydantic

from errors import InvalidTask


def first_error(error: pydantic.ValidationError, path: str) -> InvalidTask:
    """The first thing pydantic found, as one sentence with the field's path and the value."""
    found = error.errors(include_url=False)[0]
    where = path
    for part in found["loc"]:
        if isinstance(part, int):
            where += f"[{part}]"
        elif part in {"int", "float", "bool"} or str(part).startswith(("list[", "function-")):
            continue
        else:
            where += f".{part}"
    if found["type"] in {"missing", "extra_forbidden"}:
        rule = "is missing" if found["type"] == "missing" else "is not a key that is known here"
        return InvalidTask(f"{where}: {rule}", path=where)
    return InvalidTask(f"{where}: must be {_rule(found)}, got {shorten(found['input'])}", path=where)


#: What pydantic calls by its Python name.
_RULES: Final = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}


def _rule(found: Any) -> str:
    """What a value must be, in words of the file."""
    if found["type"] == "int_type" and found["loc"][-1] == "int":  # one arm of int | float
        return "a number"
    if found["type"] in {"too_short", "too_long"} and isinstance(found["input"], list):
        return _length_of_list(found["ctx"])
    return _RULES.get(found["type"]) or found["msg"].removeprefix("Input should be ").removeprefix("a valid ")


def _length_of_list(bounds: dict[str, Any]) -> str:
    if "max_length" in bounds:
        return f"a list of at most {bounds['max_length']}"
    least = bounds["min_length"]
    return "a list that is not empty" if least == 1 else f"a list of at least {least}"


def shorten(value: object, limit: int = 80) -> str:
    """A value as a message shows it: in ASCII, at most `limit` characters of it."""
    text = ascii(value)
    return text if len(text) <= limit else f"{text[:limit]}..."


def digits(size: float) -> str:
    """A number with its thousands apart, as far as a person reads on."""
    text = f"{size:,}"
    return text if len(text) <= 40 else f"{text[:40]}..."


def kind(value: object) -> str:
    """What a JSON value is, in words of the file."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")

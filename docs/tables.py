"""Tables of Markdown, and how JSON Schema reads in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def words_table(columns: Sequence[str], words: Mapping[str, str]) -> str:
    """Words and their meanings."""
    return table(columns, ((f"`{name}`", text) for name, text in words.items()))


def type_of(schema: dict[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "anyOf" in schema or "oneOf" in schema:
        words = dict.fromkeys(type_of(one) for one in schema.get("anyOf") or schema["oneOf"])
        return " or ".join("number" if word == "integer" and "number" in words else word
                           for word in words if not (word == "integer" and "number" in words))  # fmt: skip
    if "$ref" in schema:
        return f"{schema['$ref'].rpartition('/')[2]}"
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        inner = schema.get("items", {})
        return f"list of {type_of(inner)}" if inner else "list"
    return "text" if kind == "string" else str(kind)

"""Tools as the panel shows them: one list for the page and for the API."""

from __future__ import annotations

from typing import Any, Final

from panel.context import Panel
from panel.tool_routes import uses_of
from redaction import clean_value
from toolbox.listing import listing

KINDS: Final = ("run", "context", "gone")
#: Tools that the page shows; the API tells them all.
MOST_SHOWN: Final = 500


def tools_of(here: Panel, kind: str = "", words: str = "") -> dict[str, Any]:
    """The home's tools with what became of their tasks, and what is wrong with their files; no secrets.

    `kind` and `words` choose of them: those of a kind, those whose name or description has every word.
    """
    known, trouble = here.tools.now()
    rows = [
        row
        for row in listing(known, uses_of(here.reader))
        if (not kind or row["kind"] == kind) and _has(row, words)
    ]
    shown: list[dict[str, Any]] = clean_value(rows)
    return {"tools": shown, "trouble": trouble}


def _has(row: dict[str, Any], words: str) -> bool:
    text = f"{row['name']} {row['description']}".lower()
    return all(word in text for word in words.lower().split())

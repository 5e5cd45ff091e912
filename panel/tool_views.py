"""Tools as the panel shows them: one list for the page and for the API."""

from __future__ import annotations

from typing import Any

from errors import InvalidSetting
from panel.context import Panel
from redaction import clean, clean_value
from store.tool_uses import uses
from toolbox import files
from toolbox.listing import listing
from toolbox.standing import Use


def tools_of(panel: Panel) -> dict[str, Any]:
    """The home's tools with what became of their tasks, and what is wrong with their files; no secrets."""
    counted = {name: Use(*counts) for name, counts in uses(panel.reader).items()}
    trouble = None
    try:
        known = files.read_home(panel.home.root)
    except InvalidSetting as error:
        known, trouble = [], clean(error.message)
    rows: list[dict[str, Any]] = clean_value(listing(known, counted))
    return {"tools": rows, "trouble": trouble}

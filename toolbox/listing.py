"""The tools of a home beside what became of the tasks they were found for, as every face lists them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from toolbox.standing import UNUSED, Use
from toolbox.tool import Tool


def listing(tools: Iterable[Tool], uses: Mapping[str, Use]) -> list[dict[str, Any]]:
    """Every tool in its order; behind them those that tasks were given and that are in no file any more."""
    rows = [
        _row(tool.name, "run" if tool.runs else "context", tool.description, uses.get(tool.name, UNUSED))
        for tool in tools
    ]
    known = {row["name"] for row in rows}
    return rows + [_row(name, "gone", "", use) for name, use in sorted(uses.items()) if name not in known]


def _row(name: str, kind: str, description: str, use: Use) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "description": description,
        "hits": use.hits,
        "approvals": use.approvals,
        "rejections": use.rejections,
        "saved_tokens": use.saved_tokens,
        "standing": round(use.standing, 3),
    }

"""Which tool a task was given, as its history tells it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from commands.task_view import loads


def receipt_in(events: Iterable[sqlite3.Row]) -> dict[str, Any] | None:
    """The newest receipt of a route in a task's events; none where it was not routed."""
    found = None
    for event in events:
        fields = loads(event["data"]) or {}
        if "tool_route" in fields:
            found = {name: value for name, value in fields.items() if name.startswith("tool_")}
    return found


def lines(told: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """The receipt as a person reads it; nothing where there were no tools to choose from."""
    if told is None or (told["tool_route"] == "none" and not told.get("tool_reason")):
        return
    name = told.get("tool_name")
    if name is None:
        yield "tool", f"none: {told.get('tool_reason', '')}"
    else:
        does = {"run": "ran in place of a model", "context": "its text stood in front"}
        saved = told.get("tool_saved_tokens") or 0
        yield (
            "tool",
            f"{name} ({told['tool_route']}, {told.get('tool_confidence', 0):.2f}): "
            f"{does.get(told.get('tool_outcome', ''), 'found')}"
            + (f"; saved {saved:,} tokens" if saved else ""),
        )
        if told.get("tool_reason"):
            yield "", told["tool_reason"]
    others = [each for each in told.get("tool_candidates") or () if each["tool"] != name]
    if others:
        yield "", "weighed: " + ", ".join(f"{each['tool']} {each['confidence']:.2f}" for each in others)

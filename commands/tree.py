"""A task with its subtasks as text, and of each what was routed, judged, spent and earned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from commands import terminal
from runtime_contract import MICROS_PER_DOLLAR

WORDS_SHOWN: Final = 60  # characters of a task's own words


def lines_of(node: dict[str, Any], lead: str = "", branch: str = "") -> Iterator[str]:
    """The tree as text, a line a task."""
    words = terminal.shorten(node["what"], WORDS_SHOWN)
    notes = list(_notes(node))
    status = terminal.styled_status(node["status"])
    yield (
        terminal.clean(f"{lead}{branch}{node['id']}  ")
        + status
        + terminal.clean(f"  {words}" + (f"  ({'; '.join(notes)})" if notes else ""))
    )
    below = lead + {"├─ ": "│  ", "└─ ": "   "}.get(branch, "")
    for number, each in enumerate(node["subtasks"], 1):
        yield from lines_of(each, below, "└─ " if number == len(node["subtasks"]) else "├─ ")


def _notes(node: dict[str, Any]) -> Iterator[str]:
    """What is said of a task behind its words."""
    receipt = node["receipt"]
    if node["depends_on"]:
        yield f"after {', '.join(node['depends_on'])}"
    if node["waiting_for"]:
        yield f"waits for {node['waiting_for']}"
    if receipt.get("tool_name"):
        yield f"tool {receipt['tool_name']}"
    if receipt.get("model"):
        cost = receipt.get("cost_micros")
        yield receipt["model"] + ("" if cost is None else f" ${cost / MICROS_PER_DOLLAR:.6f}")
    if node["rejections"]:
        yield f"rejected {'once' if node['rejections'] == 1 else str(node['rejections']) + ' times'}"
    if receipt.get("review_verdict"):
        yield f"{receipt['review_verdict']} {receipt.get('review_confidence', 0):.2f}"
    for what in receipt.get("drift") or ():
        yield f"drifted: {what}"
    if receipt.get("phase5_reward_tokens_awarded"):
        yield f"{receipt['phase5_reward_tokens_awarded']} tokens earned"

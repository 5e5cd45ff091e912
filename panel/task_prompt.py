"""What is sent for a task, part by part: its own words, and what was put around them, by whom.

Made by the code that makes the prompt of an attempt (`context.context_builder`), from what is recorded: the
intent of the whole, the identity, the receipt of the route, the answers of other parts, the findings. The
words of a tool and of an identity are theirs of today, since a prompt is not kept.
"""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path
from typing import Any, Final

from context.context_builder import Part, Surroundings, parts_of
from enrichment.roster import Roster
from errors import InvalidSetting
from panel.context import Panel
from redaction import clean
from road.part_prompts import PartPrompts
from store.outputs import read_output
from store.records import Claim
from tool_router import NO_ROUTE, Route, Tool, context_route
from toolbox import files

#: Characters of a part that are shown.
MOST_CHARS: Final = 50_000
#: Bytes of another part's answer that are read.
_MOST_ANSWER: Final = 1024 * 1024
#: Stands for the mark of envelopes, which is made anew for each prompt.
_MARK: Final = "x" * 16
_BY: Final = {
    "intent": ("Intent of the whole", "by Skep: this is part of a task that was split"),
    "identity": ("Who works on it", "by the identity {who}, in its words of today"),
    "tool": ("Context of a tool", "by the tool {tool}, in its words of today"),
    "answers": ("Answers of other parts", "by the parts that had to come before"),
    "task": ("The task", "as it was written"),
    "instruction": ("What to do with the answers", "by Skep: this step puts the parts together"),
    "feedback": ("What was found wrong before", "by the critics or a person, about an earlier answer"),
}


def prompt_of(here: Panel, row: sqlite3.Row, route: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The parts of the newest attempt's prompt, or of the next; none for a command, which is told nothing.

    `route`: the newest receipt of the task's route.
    """
    claim = Claim.from_row(row)
    task = claim.task
    if task.mode != "llm" or not task.prompt:
        return []
    who = _who(here, row, claim)
    found = _route(here, route)
    around = _surroundings(here, claim)
    parts = parts_of(task.prompt, found, claim.feedback, around, _block(here, who), mark=_MARK)
    return [_told(part, who or "", found.name or "") for part in parts]


def _told(part: Part, who: str, tool: str) -> dict[str, Any]:
    title, by = _BY[part.kind]
    text = clean(part.text)
    return {
        "kind": part.kind,
        "title": title,
        "by": by.format(who=who, tool=tool),
        "text": text[:MOST_CHARS],
        "cut": max(0, len(text) - MOST_CHARS),
    }


def _who(here: Panel, row: sqlite3.Row, claim: Claim) -> str | None:
    """The identity of the newest attempt, or the one it will run as."""
    newest = here.reader.all("newest_attempts", task=row["seq"], limit=1)
    ran_as = newest[0]["identity"] if newest else None
    return ran_as or claim.task.identity_id or here.settings.default_identity


def _block(here: Panel, who: str | None) -> str:
    if who is None:
        return ""
    entry = Roster(here.home.identities).get(who)
    return "" if entry.identity is None else entry.identity.block(who)


def _route(here: Panel, receipt: dict[str, Any] | None) -> Route:
    """The route of a receipt, where it put a tool's words in front, over the tools as they are now."""
    if not receipt or receipt.get("tool_outcome") != "context":
        return NO_ROUTE
    root = here.home.root
    tool = next(
        (each for each in _tools(root, files.stamp(root)) if each.name == receipt.get("tool_name")), None
    )
    return NO_ROUTE if tool is None else context_route(tool, receipt, here.settings.tool_context_tokens)


@functools.lru_cache(maxsize=2)
def _tools(root: Path, stamp: object) -> tuple[Tool, ...]:
    """The tools of a home, read again when their files are others; none where they cannot be read."""
    try:
        return tuple(files.read_home(root))
    except InvalidSetting:
        return ()


def _surroundings(here: Panel, claim: Claim) -> Surroundings:
    def read(ref: str) -> bytes:
        return read_output(here.home.outputs, ref, _MOST_ANSWER)

    return PartPrompts(here.reader, read, here.settings.plan_answer_chars).surroundings(claim)

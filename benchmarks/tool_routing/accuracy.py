"""Routes every request of the set and tells what was right, what was missed and what was made up."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tool_router import ToolRouter
from toolbox.tool import Tool

HERE: Final = Path(__file__).resolve().parent
TOOLS: Final = HERE / "tools.toml"
REQUESTS: Final = HERE / "requests.jsonl"
#: The halves of the set: the router was tuned on the one, and nobody looked at the other for it.
HALVES: Final = ("tuned", "held_out")


@dataclass(frozen=True, slots=True)
class Request:
    """One phrased request, and the tool that it is for."""

    id: str
    half: str
    tool: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A request with what the router said."""

    request: Request
    tool: str | None
    confidence: float
    #: the tool that was ranked first, sure or not
    first: str | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What came of a set of requests."""

    count: int
    #: the right tool, or rightly none
    right: int
    #: of those that a tool is for: found, ranked first at least, wrongly none
    for_a_tool: int
    found: int
    ranked_first: int
    missed: int
    #: a tool where another is right, and a tool where none is
    wrong_tool: int
    for_none: int
    false_matches: int

    @property
    def share(self) -> float:
        """Right answers of all."""
        return self.right / self.count if self.count else 0.0


def read_tools(path: Path = TOOLS) -> list[Tool]:
    """The tools of the set."""
    return [Tool.model_validate(told) for told in tomllib.loads(path.read_text("utf-8"))["tool"]]


def read_requests(path: Path = REQUESTS) -> list[Request]:
    """The requests of the set."""
    lines = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return [Request(told["id"], told.get("half", "all"), told["tool"], told["text"]) for told in lines]


def answer(router: ToolRouter, requests: Iterable[Request]) -> list[Answered]:
    """Route each request."""
    found = []
    for request in requests:
        route = router.route(request.text)
        first = route.candidates[0] if route.candidates else None
        confidence = route.confidence or (first.confidence if first else 0.0)
        found.append(Answered(request, route.name, confidence, first.name if first else None))
    return found


def measure(answered: Sequence[Answered]) -> Accuracy:
    """Count what was right."""
    meant = [each for each in answered if each.request.tool is not None]
    none = [each for each in answered if each.request.tool is None]
    return Accuracy(
        count=len(answered),
        right=sum(each.tool == each.request.tool for each in answered),
        for_a_tool=len(meant),
        found=sum(each.tool == each.request.tool for each in meant),
        ranked_first=sum(each.first == each.request.tool for each in meant),
        missed=sum(each.tool is None for each in meant),
        wrong_tool=sum(each.tool not in {None, each.request.tool} for each in meant),
        for_none=len(none),
        false_matches=sum(each.tool is not None for each in none),
    )


def calibration(answered: Sequence[Answered], steps: int = 5) -> list[dict[str, Any]]:
    """By how sure the router was of the tool it ranked first: how often that tool was right."""
    rows = []
    for step in range(steps):
        low, high = step / steps, (step + 1) / steps
        within = [one for one in answered if low <= one.confidence < high or (one.confidence == high == 1)]
        right = sum(one.first is not None and one.first == one.request.tool for one in within)
        rows.append({"from": low, "to": high, "count": len(within), "right": right})
    return rows

"""What was found for a request: the tool, how, how sure, what it does about it, and the receipt of it all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from redaction import clean
from toolbox.filling import NOTHING, Filled
from toolbox.tool import Tool

#: Candidates that a receipt tells of.
MOST_TOLD: Final = 5
#: Words that a receipt tells of.
MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tool that was weighed."""

    name: str
    #: 0 to 1
    confidence: float
    #: by what it was ranked
    score: float
    #: words it shares with the request
    shared: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As receipts and the command line tell it."""
        return {
            "tool": self.name,
            "confidence": round(self.confidence, 3),
            "score": round(self.score, 3),
            "shared": [word[:40] for word in self.shared[:MOST_WORDS]],
        }


@dataclass(frozen=True, slots=True)
class Route:
    """What was found for a prompt."""

    #: exact: the prompt names the tool; match: its words ask for it; none
    route: Literal["none", "exact", "match"]
    tool: Tool | None = None
    confidence: float = 0.0
    #: run: its command answers the task; context: its text goes in front of the prompt; none without a tool
    outcome: Literal["none", "run", "context"] = "none"
    #: what runs, where it runs
    command: Filled = NOTHING
    #: why, in a sentence for a person
    reason: str = ""
    candidates: tuple[Candidate, ...] = ()
    #: the text that goes in front of the prompt, within its bound
    text: str = ""
    #: name of a tool that ran and is known no more
    ran: str = ""

    @property
    def name(self) -> str | None:
        """The tool's name, where there is one."""
        return self.tool.name if self.tool else self.ran or None

    def heading(self) -> str:
        """What stands over a tool's own words in front of a prompt; empty where none are put there."""
        if self.tool is None or self.outcome != "context":
            return ""
        return (
            "RELEVANT TOOL CONTEXT (reuse before new generation)\n"
            f"TOOL_NAME: {self.tool.name}\nTOOL_ROUTE: {self.route}\nTOOL_CONFIDENCE: {self.confidence:.2f}"
        )

    def words(self) -> list[str]:
        """The tool's own words, which are data: what it is for, and its text."""
        if self.tool is None:
            return []
        return [
            f"TOOL_DESCRIPTION: {' '.join(self.tool.description.split())}",
            *filter(None, [self.text.strip()]),
        ]

    def as_json(self) -> dict[str, Any]:
        """What would be done, for who asks without a task; no secrets."""
        return {
            "tool": self.tool.name if self.tool else None,
            "confidence": round(self.confidence, 3),
            "route": self.route,
            "outcome": self.outcome,
            "argv": [clean(word) for word in self.command.argv] or None,
            "profile": self.command.profile,
            "reason": clean(self.reason),
            "candidates": [each.as_json() for each in self.candidates],
        }

    def receipt(self) -> dict[str, Any]:
        """The event fields that tell of the route."""
        told: dict[str, Any] = {
            "tool_route": self.route,
            "tool_name": self.name,
            "tool_confidence": round(self.confidence, 3),
        }
        if self.reason:
            told |= {
                "tool_outcome": self.outcome,
                "tool_reason": self.reason,
                "tool_candidates": [each.as_json() for each in self.candidates[:MOST_TOLD]],
            }
        return told


NO_ROUTE: Final = Route("none")

"""Is there a tool for it? Looked up before a model is paid.

A tool is a named text in ``config/tools.toml`` of the home. A prompt that names one, as a whole word, gets
its text in front; any other prompt gets none and says so. Every routed task leaves a receipt in its events
(`tool_route`, `tool_name`, `tool_confidence`).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pydantic
from pydantic import ConfigDict

from errors import InvalidSetting

TOOLS_FILE: Final = "config/tools.toml"


class Tool(pydantic.BaseModel):
    """One tool."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = pydantic.Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{2,63}$")
    description: str = pydantic.Field(min_length=1, max_length=1000)
    #: what is put in front of a prompt that names the tool
    text: str = pydantic.Field("", max_length=20_000)


class _ToolsFile(pydantic.BaseModel):
    """``config/tools.toml``: any number of ``[[tool]]``, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    tool: list[Tool] = []

    @pydantic.field_validator("tool")
    @classmethod
    def _has_no_namesakes(cls, tools: list[Tool]) -> list[Tool]:
        names = [tool.name.lower() for tool in tools]
        twins = sorted({name for name in names if names.count(name) > 1})
        if twins:
            raise ValueError(f"two tools are named {', '.join(twins)}")
        return tools


@dataclass(frozen=True)
class Route:
    """What was found for a prompt."""

    route: Literal["none", "exact"]
    tool: Tool | None = None
    confidence: float = 0.0

    def context(self) -> str:
        """The tool's text as it is put in front of a prompt; empty without a tool."""
        if self.tool is None:
            return ""
        return (
            "RELEVANT TOOL CONTEXT (reuse before new generation)\n"
            f"TOOL_NAME: {self.tool.name}\nTOOL_ROUTE: {self.route}\nTOOL_CONFIDENCE: {self.confidence:.2f}\n"
            f"TOOL_DESCRIPTION: {self.tool.description}\n\n{self.tool.text}"
        )

    def receipt(self) -> dict[str, Any]:
        """The event fields that tell of the route."""
        name = self.tool.name if self.tool else None
        return {"tool_route": self.route, "tool_name": name, "tool_confidence": self.confidence}


NO_ROUTE: Final = Route("none")


class ToolRouter:
    """The tools of one home."""

    def __init__(self, tools: list[Tool]) -> None:
        self._tools = {tool.name.lower(): tool for tool in tools}
        names = sorted(map(re.escape, self._tools), key=len, reverse=True)
        self._named = re.compile(rf"(?<![\w-])({'|'.join(names)})(?![\w-])", re.IGNORECASE) if names else None

    @classmethod
    def of_home(cls, root: Path) -> ToolRouter:
        """The tools of a home; none where it has no tools file. Raises `InvalidSetting`."""
        path = root / TOOLS_FILE
        try:
            return cls(_ToolsFile.model_validate(tomllib.loads(path.read_text("utf-8"))).tool)
        except FileNotFoundError:
            return cls([])
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, pydantic.ValidationError) as error:
            raise InvalidSetting(f"{TOOLS_FILE}: {error}") from error

    def route(self, prompt: str) -> Route:
        """The tool a prompt names, or none."""
        found = self._named.search(prompt) if self._named else None
        return Route("exact", self._tools[found[1].lower()], 1.0) if found else NO_ROUTE

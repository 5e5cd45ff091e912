"""What `skep doctor` finds: each a level, a sentence, and the way out where there is one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    level: Level
    told: str
    #: what to do; empty when there is nothing to do
    way_out: str = ""

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON tells it."""
        return asdict(self)


def ok(check: str, told: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", told)


def warn(check: str, told: str, way_out: str = "") -> Finding:
    """Worth knowing; Skep works."""
    return Finding(check, "warn", told, way_out)


def fail(check: str, told: str, way_out: str) -> Finding:
    """Skep does not work, or not safely."""
    return Finding(check, "fail", told, way_out)

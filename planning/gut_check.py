"""How complex an ask is: a score with its reasons. Under the threshold the task just runs.

A point for each part; one more where parts wait for others, one where the ask lays them out (a list,
headings, "for each of"), one where it is long. Three short things in a row are one answer of a model; four,
or three that build on each other, gain from being done and judged one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planning.decomposition import Split

LONG_CHARS: Final = 600
_LAID_OUT: Final = {
    "list": "they stand in a list",
    "headings": "they stand under headings",
    "fan_out": "the same is asked for each of several names",
}


@dataclass(frozen=True, slots=True)
class GutCheck:
    """The score, what it is made of in words for a person, and as stable words."""

    score: int = 0
    reasons: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


def gut_check(ask: str, split: Split) -> GutCheck:
    """Score an ask by the parts it falls into."""
    if not split.parts:
        return GutCheck()
    features, reasons = list(split.features), [f"{len(split.parts)} parts"]
    laid_out = [why for feature, why in _LAID_OUT.items() if feature in features]
    reasons += laid_out[:1]
    if any(part.after for part in split.parts):
        features.append("chain")
        reasons.append("some of them need others")
    if len(ask) >= LONG_CHARS:
        features.append("long_prompt")
        reasons.append(f"{len(ask):,} characters")
    return GutCheck(len(split.parts) + len(reasons) - 1, tuple(reasons), tuple(features))

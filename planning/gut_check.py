"""How complex an ask is: a score with its reasons. Under the threshold the task just runs.

A point for each part; one more where there are three or more, one where parts wait for others, one where the
ask lays them out (a list, headings, "for each of"), one where what one finds out is what another is made of,
one where it is long. Two short things in a row are one answer of a model; three, or a text and the research
it stands on, gain from being done and judged one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planning.decomposition import Split
from planning.imperatives import read_head
from planning.lexicon import CREATING, GATHERING
from planning.masking import mask

LONG_CHARS: Final = 600
SEVERAL_PARTS: Final = 3
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
    if len(split.parts) >= SEVERAL_PARTS:
        reasons.append("more than two of them")
    if any(part.after for part in split.parts):
        features.append("chain")
        reasons.append("some of them need others")
    if _is_made_of_findings(split):
        features.append("research")
        reasons.append("one finds out what another is made of")
    if len(ask) >= LONG_CHARS:
        features.append("long_prompt")
        reasons.append(f"{len(ask):,} characters")
    return GutCheck(len(split.parts) + len(reasons) - 1, tuple(reasons), tuple(features))


def _is_made_of_findings(split: Split) -> bool:
    """Whether a part makes something new, straight from one that looks things up."""
    masks = [mask(part.text) for part in split.parts]
    actions = [read_head(masked, 0, len(masked)).action for masked in masks]
    return any(
        actions[number] in CREATING and any(actions[place] in GATHERING for place in part.after)
        for number, part in enumerate(split.parts)
    )

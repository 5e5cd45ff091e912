"""What ``docs/rewards.md`` says that the code says already: hats, refusals, the formula worked through."""

from __future__ import annotations

from typing import Final

from docs.tables import table, words_table
from enrichment.hats import HATS
from enrichment.rewards import MOST_FOR_QUALITY, MOST_FOR_SAVINGS, REFUSALS, tokens_earned
from money import dollars_text

#: Micro-dollars used and granted, and how sure the critics were.
_EXAMPLES: Final = (
    (0, 100_000, 0.95),
    (40_000, 100_000, 0.95),
    (50_000, 100_000, 0.5),
    (56_250, 100_000, 0.0),
    (99_000, 100_000, 0.0),
    (100_000, 100_000, 0.95),
    (40_000, 100_000, 1.0),
)


def hats_table() -> str:
    """Every hat with what it adds."""
    return words_table(("hat", "what it adds to the prompt"), HATS)


def refusals_table() -> str:
    """Every reason for which nothing is earned."""
    return words_table(("reason", "which means"), REFUSALS)


def formula_table() -> str:
    """The formula worked through."""
    columns = ("max_budget", "all attempts cost", "confidence", "for savings", "for quality", "tokens")
    return table(columns, (_example(*each) for each in _EXAMPLES))


def _example(used: int, most: int, confidence: float) -> tuple[str, ...]:
    share = MOST_FOR_SAVINGS * (most - used) / most
    quality = MOST_FOR_QUALITY * confidence
    return (
        dollars_text(most),
        dollars_text(used),
        f"{confidence:g}",
        f"round({share:g}) = {round(share)}",
        f"round({quality:g}) = {round(quality)}",
        f"**{tokens_earned(used, most, confidence)}**",
    )

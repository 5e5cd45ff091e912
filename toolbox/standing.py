"""What a tool has earned: approvals keep its rank, rejections take it down.

    standing = (approvals + 4) / (approvals + rejections + 4)

A new tool stands at 1. Four rejections and nothing else leave a half, so it needs twice the confidence; every
approval brings some of it back. Confidence is multiplied by it, and so is the rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Approvals that a tool is believed to have before it was ever used.
CREDIT: Final = 4


@dataclass(frozen=True, slots=True)
class Use:
    """What became of the tasks that a tool was found for."""

    hits: int = 0
    approvals: int = 0
    rejections: int = 0
    saved_tokens: int = 0

    @property
    def standing(self) -> float:
        """By what its confidence is multiplied, over 0 up to 1."""
        return (self.approvals + CREDIT) / (self.approvals + self.rejections + CREDIT)


UNUSED: Final = Use()

"""What is wrong with a workflow: the rule, the place in it, and a sentence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    #: stable name of the rule
    rule: str
    #: below ``workflow``
    path: tuple[str | int, ...]
    message: str

"""What the words of a task ask for and a model's split of it does not have: told to whoever sees the plan.

A split that makes every deliverable may still drop a step, most often the last: "and finally check both".
Looking over is known by its verb, since it speaks of what the other parts make; any other step by the words
that are its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from planning.lexicon import ACTIONS
from planning.material import stems_of

#: Of the words of a step, the share that must stand in the part that does it.
_WORDS_KEPT: Final = 0.5
#: Verbs of looking over what there is; one does for another.
_LOOKING_OVER: Final = stems_of(
    "assess audit check compare confirm cross-check critique ensure evaluate examine inspect judge proofread"
    " review revise test validate verify"
)
_VERBS: Final = stems_of(" ".join(ACTIONS))
#: Words that point at other steps.
_POINTING: Final = stems_of("all any both each everything finally results them these those whole against")


def left_out(asked: Sequence[str], proposed: Sequence[str]) -> list[str]:
    """The steps that the words have and no part of a proposal has."""
    parts = [stems_of(text) for text in proposed]
    return [" ".join(text.split()) for text in asked if not _is_done(text, parts)]


def _is_done(text: str, parts: Sequence[frozenset[str]]) -> bool:
    deeds = next((found for word in text.split() if (found := stems_of(word) & _VERBS)), frozenset())
    if deeds & _LOOKING_OVER:
        return any(part & _LOOKING_OVER for part in parts)
    words = stems_of(text)
    own = words - _VERBS - _POINTING
    if not own:
        return not deeds or any(part & deeds for part in parts)
    return any(len(own & part) >= _WORDS_KEPT * len(own) for part in parts)

"""Whether a regular expression can be trusted with a text of any length.

Python's `re` tries ways to match one after the other and cannot be stopped. A choice within a repetition
has exponentially many ways, repetitions one after the other multiply theirs, and an open one goes on to the
end of the text from every place. So a pattern of the constitution bounds its repetitions, has no choice
within one, and the product of its bounds is limited: then the time is linear in the text.
"""

from __future__ import annotations

import re
from re import _constants as constants  # type: ignore[attr-defined]  # the parser of `re` itself
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

#: Steps from one place of a text.
MOST_STEPS: Final = 2_000
#: The same for the patterns that ship, each of which is measured on hostile text by a test.
MOST_STEPS_SHIPPED: Final = 200_000
#: Repetitions up to this many do not count.
_FEW: Final = 8
_REPEATS: Final = frozenset({constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT})


class SlowPattern(ValueError):
    """A pattern could take very long on some text."""


def compile_safely(pattern: str, most_steps: int = MOST_STEPS) -> re.Pattern[str]:
    """The compiled pattern. Raises `re.error`, `SlowPattern`."""
    compiled = re.compile(pattern)
    steps = _steps(parser.parse(pattern))
    if steps > most_steps:
        raise SlowPattern(
            f"it could take very long ({steps:,} steps, at most {most_steps:,}); lower its bounds"
        )
    return compiled


def _steps(items: Any) -> int:
    """The most steps that repetitions can take from one place. Raises `SlowPattern`."""
    steps = 1
    for kind, value in items:
        if kind in {constants.GROUPREF, constants.GROUPREF_EXISTS}:
            raise SlowPattern("it refers back to a group, which cannot be bounded; write it out")
        if kind in _REPEATS:
            least, most, inner = value
            if most is constants.MAXREPEAT:
                raise SlowPattern(
                    "it has an open repetition and could take very long; bound it, as in {0,200}"
                )
            if most > 1 and _has_choice(inner):
                raise SlowPattern("it repeats a choice and could take very long; take one of the two out")
            steps *= (most - least + 1 if most > _FEW else 1) * _steps(inner)
        else:
            steps *= max((_steps(each) for each in _parts(kind, value)), default=1)
    return steps


def _has_choice(items: Any) -> bool:
    """Whether a pattern can match one text in several ways, or several lengths of it."""
    for kind, value in items:
        if kind is constants.BRANCH or (kind in _REPEATS and value[0] != value[1]):
            return True
        inner = [value[2]] if kind in _REPEATS else _parts(kind, value)
        if any(map(_has_choice, inner)):
            return True
    return False


def _parts(kind: Any, value: Any) -> list[Any]:
    """The patterns within a part of a pattern."""
    if kind is constants.BRANCH:
        return list(value[1])
    if kind is constants.SUBPATTERN:
        return [value[-1]]
    if kind in {constants.ASSERT, constants.ASSERT_NOT}:
        return [value[1]]
    return [value] if kind is constants.ATOMIC_GROUP else []

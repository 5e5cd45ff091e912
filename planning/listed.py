"""One sentence that lists behind a colon what it is asked for: "Write three things: a slogan and a poem".

What stands behind a colon is usually a text to work on, so only a list of names or of new things is read,
and only where the words before the colon announce one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from planning.imperatives import Order, read_head
from planning.masking import SPACE, Words
from planning.spreading import EACH_FOLLOWING, for_name, read_names, read_ones, read_things

#: Words that ask for things without an imperative.
NEED: Final = re.compile(r"(?:i|we)\s+(?:need|want|would like)\b", re.IGNORECASE)
_COLON: Final = re.compile(r"\s*:\s+")
#: "each of the following articles", whose place each name takes.
_EACH_OF: Final = re.compile(
    r"\beach\s+(?:one\s+)?of\s+(?:the\s+following|these)\b(?:\s+[\w-]+){0,2}?\s*\Z", re.IGNORECASE
)
#: "for each of our three products", whose names stand behind the colon.
_EACH_OF_OURS: Final = re.compile(
    r"\bfor\s+each\s+of\s+(?:the|our|my|your|these|those)\b(?:\s+[\w-]+){1,3}\s*\Z", re.IGNORECASE
)
#: "three emails", each of which the list calls "one".
_ONES: Final = re.compile(r"(?:two|three|four|five|six|\d)\s+((?:[\w-]+\s+)?[\w-]+?)s", re.IGNORECASE)
#: "three things", "the following texts", and nothing else after the verb.
_THINGS: Final = re.compile(
    r"(?:(?:these|the\s+following)(?:\s+\w+)?|(?:the\s+following\s+|these\s+)?(?:two|three|four|five|six|\d)"
    r"(?:\s+\w+)?\s+(?:things|items|texts|documents|pieces|deliverables|outputs|files|artefacts|artifacts))"
    r"(?:\s+for\s+(?:me|us))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a sentence lists, each with the words that hold for all."""

    things: tuple[Words, ...]
    action: str
    order: Order | None
    feature: str
    #: the words that announced the list
    announced: Words


def read_listed(sentence: Words) -> Listed | None:
    """The list behind the only colon of a sentence; none where there is none, or it is something else."""
    colons = list(_COLON.finditer(sentence.masked))
    need = NEED.match(sentence.masked)
    if need and not colons:
        return _needed(sentence[: need.end()], sentence[need.end() :])
    if len(colons) != 1:
        return None
    if need:
        before, behind = sentence[: colons[0].start()], sentence[colons[0].end() :].plain()
        return _new_things(before, behind, need.end(), "", None)
    head = read_head(sentence.masked, 0, len(sentence.masked))
    if not head.action or head.verb > colons[0].start():
        return None
    before = sentence[head.start : colons[0].start()]
    behind = sentence[colons[0].end() :].plain()
    verb = head.verb - head.start + len(head.action)
    return (
        _for_each(before, behind, head.action, head.order)
        or _each_of(before, behind, head.action, head.order)
        or _new_things(before, behind, verb, head.action, head.order)
    )


def _needed(need: Words, rest: Words) -> Listed | None:
    """The texts that somebody needs: "We need a brief and a guide"."""
    things = read_things(rest, are_texts=True)
    lead = need + SPACE
    return (
        Listed(tuple(lead + each for each in things), "", None, "deliverables", need[:0]) if things else None
    )


def _for_each(before: Words, behind: Words, action: str, order: Order | None) -> Listed | None:
    each = EACH_FOLLOWING.search(before.masked) or _EACH_OF_OURS.search(before.masked)
    names = read_names(behind) if each else []
    if each is None or not names:
        return None
    announced = before[each.start() : each.end()]
    return Listed(tuple(for_name(before, each, name) for name in names), action, order, "fan_out", announced)


def _each_of(before: Words, behind: Words, action: str, order: Order | None) -> Listed | None:
    each = _EACH_OF.search(before.masked)
    names = read_names(behind) if each else []
    if each is None or not names:
        return None
    lead = before[: each.start()].plain() + SPACE
    return Listed(tuple(lead + name for name in names), action, order, "fan_out", before[each.start() :])


def _new_things(before: Words, behind: Words, verb: int, action: str, order: Order | None) -> Listed | None:
    object_ = before[verb:].plain()
    ones = _ONES.fullmatch(object_.masked)
    each = read_ones(behind) if ones else []
    if ones and each:
        lead = before[:verb] + Words(" one ", " one ") + object_[ones.start(1) : ones.end(1)] + SPACE
        return Listed(tuple(lead + one for one in each), action, order, "deliverables", object_)
    things = read_things(behind) if _THINGS.fullmatch(object_.masked) else []
    if not things:
        return None
    lead = before[:verb] + SPACE
    return Listed(tuple(lead + thing for thing in things), action, order, "deliverables", object_)

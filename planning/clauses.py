"""The imperatives that one sentence strings together: "Research X, then write Y, and finally check Z".

A comma or an "and" divides a sentence only before another imperative that has its object with it; before a
word of order ("then", "finally") the imperative alone is enough. What stands in the purpose or description
of a thing ("a script to read the file and write ...", "an app that ...") is never divided.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from planning.imperatives import (
    ORDER,
    Order,
    count_words,
    has_bare_object,
    has_object,
    is_negated,
    order_of,
    read_head,
)
from planning.lexicon import DETERMINERS, INFINITIVES

_BREAK: Final = re.compile(
    rf"(?P<sign>\s*[,;]|\s+[–—-])?\s+(?P<joined>(?:and|but)\s+)?{ORDER}\b,?\s+"
    r"|(?P<comma>\s*[,;]\s*(?:and\s+)?)"
    r"|\s+and\s+",
    re.IGNORECASE,
)
_PURPOSE: Final = re.compile(r"\bto\s+(?:[a-z]+ly\s+)?([a-z]+)", re.IGNORECASE)
_MODAL: Final = re.compile(
    r"\b(?:can|could|should|must|will|would|may|might|shall|has to|have to|needs? to)\b", re.IGNORECASE
)
_RELATIVE: Final = re.compile(
    r"\b(?P<word>that|which|who|whose|where)\b(?:\s+(?P<verb>[a-z]+)(?:\s+(?P<object>[a-z]+))?)?",
    re.IGNORECASE,
)
_DEPENDENT: Final = re.compile(
    r"\b(?:how|what|why|when|whether|while|by|after|before|if|unless|until|because)\b", re.IGNORECASE
)
_AHEAD: Final = re.compile(rf"[,:;]\s+|\b{ORDER}\b,?\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    """One imperative of a sentence, from `start` to `end`; its verb stands at `verb`."""

    start: int
    verb: int
    end: int
    action: str
    order: Order | None


def read_clauses(masked: str, start: int, end: int) -> list[Clause]:
    """The imperatives of the sentence between two places; none where it does not begin with one."""
    head = read_head(masked, start, end)
    if not head.action:
        return []
    found: list[Clause] = []
    begin, verb, action, order = head.start, head.verb, head.action, head.order
    for mark in _BREAK.finditer(masked, head.verb, end):
        if mark.start() < verb:
            continue
        after = read_head(masked, mark.end(), end)
        if (
            after.action
            and after.order is None
            and _divides(masked, mark, verb, after.verb, end, is_same=after.action == action)
        ):
            found.append(Clause(begin, verb, mark.start(), action, order))
            begin, verb, action = after.start, after.verb, after.action
            order = order_of(mark) if _is_order(mark) else None
    return [*found, Clause(begin, verb, end, action, order)]


def _is_order(mark: re.Match[str]) -> bool:
    return bool(mark["next"] or mark["last"] or mark["beside"] or mark["earlier"])


def _divides(masked: str, mark: re.Match[str], left: int, right: int, end: int, *, is_same: bool) -> bool:
    """Whether the sentence goes on at `right` with another imperative after the one at `left`.

    `is_same`: with the same verb, which is then no noun.
    """
    if count_words(masked, left, mark.start()) < 2 or _has_purpose(masked, left, mark.start()):
        return False
    if _is_order(mark):
        return bool(mark["sign"] or mark["joined"]) or has_object(masked, right, end)
    is_clear = has_object(masked, right, end) or (
        (is_same or has_bare_object(masked, right, end) or ";" in mark[0])
        and not _DEPENDENT.search(masked, left, mark.start())
    )
    if not is_clear or is_negated(masked, left, mark.start()):
        return False
    if any(not _is_told_apart(found) for found in _RELATIVE.finditer(masked, left, mark.start())):
        return False
    return bool(mark["comma"]) or not _DEPENDENT.search(masked, left, mark.start())


def _is_told_apart(relative: re.Match[str]) -> bool:
    """Whether a relative clause has a verb in the third person, so that no imperative can continue it."""
    word, following = (relative["verb"] or "").lower(), (relative["object"] or "").lower()
    if relative["word"].lower() not in {"that", "which", "who"} or not word.endswith("s"):
        return False
    return following in DETERMINERS or word[:-1] in INFINITIVES or word[:-2] in INFINITIVES


def _has_purpose(masked: str, start: int, end: int) -> bool:
    """Whether a clause tells what its thing is for or can do."""
    if _MODAL.search(masked, start, end):
        return True
    return any(found[1].lower() in INFINITIVES for found in _PURPOSE.finditer(masked, start, end))


def has_action(masked: str, start: int, end: int) -> bool:
    """Whether an imperative stands after a comma, a colon or a word of order, as in "If so, write ..."."""
    return any(read_head(masked, mark.end(), end).action for mark in _AHEAD.finditer(masked, start, end))

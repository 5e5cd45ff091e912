"""What a sentence asks for: the imperative it begins with, and the word that puts it after another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from planning.lexicon import (
    ACTIONS,
    BEFORE_NEW,
    DETERMINERS,
    FINITE,
    INDEFINITE,
    KEEPERS,
    PLAIN_VERBS,
    POLITENESS,
    PREPOSITIONS,
)
from planning.masking import HIDDEN

#: next: after the step before. last: after everything before. beside: after nothing. earlier: before it.
Order = Literal["next", "last", "beside", "earlier"]

_NEXT: Final = (
    r"then|next|second(?:ly)?|third(?:ly)?|fourth(?:ly)?|fifth(?:ly)?|subsequently"
    r"|after(?:wards?|[ ]that|[ ]this)"
    r"|(?:once|when)[ ](?:that|this|it)(?:[ ]is|['’]s)[ ](?:done|finished|complete|ready)"
)
_EARLIER: Final = (
    r"before(?:hand|[ ]that|[ ]this|[ ]doing[ ](?:that|this|so)|[ ]you[ ]do(?:[ ](?:that|this|so))?)"
)
_LAST: Final = r"finally|lastly|at[ ]the[ ]end|in[ ]the[ ]end|to[ ]finish"
_BESIDE: Final = (
    r"first(?:ly)?(?:[ ]of[ ]all)?|to[ ]begin[ ]with|also|in[ ]addition|additionally|meanwhile|in[ ]parallel"
)
#: A word of order between two clauses or at the head of a sentence, with its kind as the group's name.
ORDER: Final = rf"(?:(?P<next>{_NEXT})|(?P<last>{_LAST})|(?P<beside>{_BESIDE})|(?P<earlier>{_EARLIER}))"
_HEAD: Final = re.compile(rf"(?:(?:and|so|but|now)[ ]+)?{ORDER}\b[ ]*[,:]?\s+", re.IGNORECASE)
_POLITE: Final = re.compile(rf"{POLITENESS}\s+(?:also\s+|then\s+)?", re.IGNORECASE)
#: What a thing is made from or with, or who is meant, before the verb: "Using the outline, write ...".
_LEADS: Final = (
    re.compile(
        r"(?:based on|building on|drawing on|starting from|according to|in the light of|with the help of"
        r"|using|from|with|given|in|on|as|to|for|under|at)\b[^,.;:!?\n]{1,120},\s+",
        re.IGNORECASE,
    ),
    re.compile(r"for each(?: of (?:them|these|those)| one| [a-z]+)?\s+", re.IGNORECASE),
)
_MANNER: Final = re.compile(r"[a-z]+ly\s+", re.IGNORECASE)
_WORD: Final = re.compile(rf"[^\W_][\w'’-]*|{HIDDEN}+")
_NEGATION: Final = re.compile(
    r"\b(?:not|never|no|without|neither|nor|avoid|except|instead|rather|don['’]?t|doesn['’]?t|won['’]?t"
    r"|shouldn['’]?t|mustn['’]?t|can['’]?t|cannot)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Head:
    """How a sentence or clause begins. `start` is where its own words begin, `verb` where the verb does."""

    start: int
    verb: int
    order: Order | None
    #: the verb in small letters; empty where it is no imperative of `ACTIONS`
    action: str


def read_head(masked: str, start: int, end: int) -> Head:
    """The beginning of the sentence between two places."""
    order, begin = read_order(masked, start, end)
    place = begin
    polite = _POLITE.match(masked, place, end)
    if polite:
        place = polite.end()
    for lead in _LEADS:
        found = lead.match(masked, place, end)
        if found and action_at(masked, found.end(), end):
            return Head(begin, found.end(), order, action_at(masked, found.end(), end))
    manner = _MANNER.match(masked, place, end)
    if manner and manner[0].strip().lower() not in ACTIONS:
        place = manner.end()
    return Head(begin, place, order, action_at(masked, place, end))


def read_order(masked: str, start: int, end: int) -> tuple[Order | None, int]:
    """The word of order a sentence begins with, and where the rest begins."""
    found = _HEAD.match(masked, start, end)
    if found is None:
        return None, start
    return order_of(found), found.end()


def order_of(found: re.Match[str]) -> Order:
    """Which kind of word a match of `ORDER` is."""
    names: tuple[Order, ...] = ("next", "last", "earlier")
    return next((name for name in names if found[name]), "beside")


def action_at(masked: str, start: int, end: int) -> str:
    """The imperative at a place; empty where there is none, or a noun that looks like one."""
    found = _words(masked, start, end, 4)
    words = [each[0].lower() for each in found]
    if not words or words[0] not in ACTIONS or found[0].start() != start:
        return ""
    if words[0] in BEFORE_NEW and words[1:2] in (["me"], ["us"]):
        del words[1]
    second = words[1] if len(words) > 1 else ""
    if second in {"nothing", "none", "nobody"}:
        return ""
    if words[0] in BEFORE_NEW and second not in INDEFINITE and not second.startswith(HIDDEN):
        return ""
    is_statement = second in FINITE or (second not in DETERMINERS and bool(FINITE & set(words[2:])))
    return "" if is_statement else words[0]


def has_object(masked: str, start: int, end: int) -> bool:
    """Whether a verb at `start` is followed by something that can only be what it is done to."""
    found = _words(masked, start, end, 2)
    if len(found) < 2 or not masked[found[0].end() : found[1].start()].isspace():
        return False
    word = found[1][0]
    return word[0] == HIDDEN or word[0].isdigit() or word[0].isupper() or word.lower() in DETERMINERS


def has_bare_object(masked: str, start: int, end: int) -> bool:
    """Whether a word at `start` that is no noun is followed by what may well be done to: "write tests"."""
    found = _words(masked, start, end, 2)
    if len(found) < 2 or not masked[found[0].end() : found[1].start()].isspace():
        return False
    word = found[1][0].lower()
    return found[0][0].lower() in PLAIN_VERBS and word not in PREPOSITIONS | FINITE | {"and", "or"}


def is_rule(masked: str, start: int, end: int) -> bool:
    """Whether a sentence says how something should be: "Use plain words.", "Do not guess."."""
    head = read_head(masked, start, end)
    words = _words(masked, head.verb, end, 1)
    is_keeper = bool(words) and words[0][0].lower() in KEEPERS and not head.action
    return is_keeper or is_negated(masked, start, end)


def is_negated(masked: str, start: int, end: int) -> bool:
    """Whether a piece of text denies something."""
    return _NEGATION.search(masked, start, end) is not None


def count_words(masked: str, start: int, end: int) -> int:
    """Words between two places; a protected piece counts as one."""
    return sum(1 for _ in _WORD.finditer(masked, start, end))


def _words(masked: str, start: int, end: int, most: int) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    place = start
    while len(found) < most and (word := _WORD.search(masked, place, end)) is not None:
        found.append(word)
        place = word.end()
    return found

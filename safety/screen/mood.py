"""Is it asked, or only talked about? "Ignore the rules" against "explain what 'ignore the rules' does".

What was found in a text counts when it is meant: an order, a request however polite, a claim. It does not
when the sentence around it explains, tests, quotes, forbids or tells of somebody else. Quotes alone excuse
nothing: they do so where the words around them talk about what is quoted, and not where they say to do it.
The lists of words that tell the two apart are data, like the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from safety.screen.reading import COLON, COMMA, NOTHING, Page, Zone

#: Classes of words that this module asks for; a constitution must have each of them.
CLASSES: Final = (
    "meta", "author", "says", "agent", "soft", "asking", "negation", "heartening", "question", "request",
    "condition", "obey", "sequel", "join", "you", "being", "link", "aux", "program", "probing", "vocative",
)  # fmt: skip
#: Words before a verb in which a negation counts.
_NEGATION_REACH: Final = 4
#: Words of the shortest quote that a verb before it is taken to quote: one or two are only stressed.
_LEAST_QUOTED: Final = 3
#: Words of the longest name in back ticks; more is a text.
_LONGEST_NAME: Final = 4
#: Words looked at before what was found; a sentence may be a whole file.
_REACH: Final = 80


@dataclass(frozen=True, slots=True)
class Bearing:
    """How a rule wants to be read."""

    #: a claim is a statement; anything else is an ask
    is_claim: bool = False
    #: a text such as a command line: what is explained before a colon is talked about
    is_text: bool = False
    #: only where it is plainly an order; otherwise what is not excused counts
    needs_order: bool = False
    #: whom it spares beside those who explain it: "authors" of programs and stories about it, or only what
    #: "people" are said to do, or "nobody"
    spares: str = "authors"

    @property
    def spares_authors(self) -> bool:
        """Whether to write a program or a story about it is to talk about it."""
        return self.spares == "authors"


class Mood:
    """Tells what is meant from what is mentioned.

    Parameters:
        bit: the bit of each class.
        verbs: the classes of verbs.
    """

    def __init__(self, bit: Mapping[str, int], verbs: int = 0) -> None:
        self._bit = {name: bit[name] for name in CLASSES}
        told = 0
        for name in CLASSES:
            told |= bit[name]
        self._verbs = verbs & ~told

    def is_meant(self, page: Page, first: int, last: int, bearing: Bearing) -> bool:
        """Whether the words from `first` to `last` are an ask or a claim, and not talk about one."""
        zone = page.zone(first)
        if zone is not None and zone.kind != "comment":
            return self._quoted_is_meant(page, zone, bearing)
        object_zone = page.zone(last)
        if zone is None and object_zone is not None and object_zone.end - object_zone.first >= _LEAST_QUOTED:
            return self._quoted_is_meant(page, object_zone, bearing)
        if self._is_listed(page, first):
            return False
        return self._plain_is_meant(page, first, last, bearing)

    def says_to_follow(self, page: Page) -> bool:
        """Whether a text says anywhere to do what something else says."""
        return any(bits & self._bit["obey"] for bits in page.bits)

    # -- in quotes -----------------------------------------------------------------------------------------

    def _quoted_is_meant(self, page: Page, zone: Zone, bearing: Bearing) -> bool:
        before, after = self._around(page, zone)
        outside = before | after
        if outside & self._bit["obey"]:
            return True
        if self._is_addressed(page, zone) and not outside & self._bit["meta"]:
            return True
        if self._is_listed(page, zone.first):
            return False
        spared = self._bit["meta"] | self._bit["says"] | self._bit["author"]
        if outside & spared or (before and self._is_question(page, page.start(zone.first))):
            return False
        is_name = zone.kind == "name" and not bearing.is_text
        if is_name and outside and zone.end - zone.first <= _LONGEST_NAME:
            return False
        if self._is_listed(page, zone.first):
            return False
        if not self._begins_alone(page, zone):
            return True
        heading = self._heading(page, zone.first)
        return not heading & spared or bool(heading & self._bit["obey"])

    def _around(self, page: Page, zone: Zone) -> tuple[int, int]:
        """The classes of the words before and after a quote, in the sentences it stands in."""
        start = max(page.start(zone.first), zone.first - _REACH)
        before = _bare_mask(page, start, zone.first)
        after = 0
        if zone.end < len(page.words) and page.sentence(zone.end) <= page.sentence(zone.end - 1) + 1:
            after = _bare_mask(page, zone.end, min(page.end(zone.end), zone.end + _REACH))
        return before, after

    def _is_addressed(self, page: Page, zone: Zone) -> bool:
        """Whether a quote begins by speaking to the model: "Dear assistant, ..."."""
        for word in range(zone.first, min(zone.first + _LONGEST_NAME, zone.end - 1)):
            if page.bits[word] & self._bit["vocative"] and page.breaks[word + 1] in {COMMA, COLON}:
                return True
        return False

    def _begins_alone(self, page: Page, zone: Zone) -> bool:
        """Whether no word stands before the quote in its sentence."""
        return page.start(zone.first) >= zone.first or zone.kind in {"code", "json"}

    def _heading(self, page: Page, word: int) -> int:
        """The classes of the sentence before the one a word stands in."""
        start = page.start(word)
        return _mask(page, max(page.start(start - 1), start - _REACH), start) if start else 0

    def _is_listed(self, page: Page, word: int) -> bool:
        """Whether it is an item of a list whose heading talks about what is listed."""
        start = page.start(word)
        if start not in page.bullets:
            return False
        number = page.sentence(start)
        for _ in range(_REACH):
            if number <= 0:
                return False
            number -= 1
            if page.sentences[number] not in page.bullets:
                break
        first = page.sentences[number]
        heading = _mask(page, first, min(page.end(first), first + _REACH))
        return bool(heading & (self._bit["meta"] | self._bit["says"])) and not heading & self._bit["obey"]

    # -- in plain text -------------------------------------------------------------------------------------

    def _plain_is_meant(self, page: Page, first: int, last: int, bearing: Bearing) -> bool:
        start = max(page.start(first), first - _REACH)
        clause = self._clause(page, start, first)
        lead = _mask(page, clause, first)
        if self._is_negated(page, clause, first):
            return False
        if self._is_spoken_of(page, last):
            return False
        before = _mask(page, start, clause)
        if bearing.is_claim:
            return not (lead | before) & (
                self._bit["meta"] | self._bit["condition"]
            ) and not self._is_question(page, start)
        if self._is_order(page, clause, first):
            return self._order_is_meant(page, start, clause, first, before, bearing)
        if lead & self._bit["condition"] and not lead & self._bit["asking"]:
            return False
        if self._is_asked(page, clause, first, lead):
            return not self._is_question(page, start) and not self._is_reported(before | lead, bearing)
        if self._is_excused(before | lead, bearing) or self._is_question(page, start):
            return False
        return not bearing.needs_order

    def _is_excused(self, mask: int, bearing: Bearing) -> bool:
        """Whether the words before say that it is only talked about."""
        if mask & self._bit["meta"]:
            return True
        if bearing.spares == "people":
            is_program = mask & self._bit["author"] and mask & self._bit["program"]
            return bool(mask & self._bit["agent"]) and not is_program
        return bearing.spares_authors and bool(mask & (self._bit["author"] | self._bit["agent"]))

    def _clause(self, page: Page, start: int, first: int) -> int:
        """Where the clause begins that a word stands in."""
        for word in range(first, start, -1):
            if page.breaks[word] != NOTHING and word not in page.glued:
                return word
            if page.bits[word - 1] & self._bit["join"]:
                return word
        return start

    def _is_negated(self, page: Page, clause: int, first: int) -> bool:
        near = range(max(clause, first - _NEGATION_REACH), first)
        negations = [word for word in near if page.bits[word] & self._bit["negation"]]
        if not negations:
            return False
        between = _mask(page, negations[-1] + 1, first)
        return not between & self._bit["heartening"]

    def _is_spoken_of(self, page: Page, last: int) -> bool:
        """Whether the sentence goes on to say what it is: "... is a common attack"."""
        end = min(page.end(last), last + 12)
        for word in range(last + 1, min(end, last + 3)):
            if page.breaks[word] >= COMMA:
                return False
            if page.bits[word] & self._bit["being"]:
                return bool(_mask(page, word, end) & self._bit["meta"])
        return False

    def _is_order(self, page: Page, clause: int, first: int) -> bool:
        """Whether nothing but softening words stands before the verb in its clause."""
        soft = (
            self._bit["soft"]
            | self._bit["asking"]
            | self._bit["you"]
            | self._bit["sequel"]
            | self._bit["request"]
        )
        soft |= page.bits[first] & self._verbs
        return all(page.bits[word] & soft for word in range(clause, first))

    def _order_is_meant(
        self, page: Page, start: int, clause: int, first: int, before: int, bearing: Bearing
    ) -> bool:
        if clause == start or page.breaks[clause] >= COLON or clause in page.colons:
            return not (bearing.is_text and before and self._tells_about(page, start, clause))
        if _mask(page, clause - 1, first) & self._bit["sequel"] or page.breaks[clause] == COMMA:
            # a list of what somebody does goes on; anything else after a comma begins anew
            return not self._is_told_of(page, start, clause, before, bearing) or bool(
                _mask(page, clause - 1, first) & self._bit["sequel"]
            )
        return not self._is_told_of(page, start, clause, before, bearing)

    def _tells_about(self, page: Page, first: int, end: int) -> bool:
        """Whether these words talk about what follows; to "validate" a command may as well be to run it."""
        meta, probing = self._bit["meta"], self._bit["probing"]
        return any(page.bits[word] & meta and not page.bits[word] & probing for word in range(first, end))

    def _is_told_of(self, page: Page, start: int, clause: int, before: int, bearing: Bearing) -> bool:
        """Whether the sentence so far tells of somebody, so that what follows an "and" goes on telling."""
        if clause and page.bits[clause - 1] & self._bit["vocative"] and page.breaks[clause] == COMMA:
            return False
        if not before & (self._bit["agent"] | self._bit["link"]):
            return False
        told = before & (self._bit["meta"] | (self._bit["author"] if bearing.spares_authors else 0))
        is_told = bool(told) or self._is_question(page, start)
        return is_told and bool(before & self._bit["agent"])

    def _is_asked(self, page: Page, clause: int, first: int, lead: int) -> bool:
        """Whether the clause asks for it: "I want you to", "it would be kind to", "by"."""
        return bool(lead & self._bit["asking"]) or (
            first > clause and bool(_mask(page, max(clause, first - 3), first) & self._bit["you"])
        )

    def _is_reported(self, mask: int, bearing: Bearing) -> bool:
        """Whether an ask is told of somebody: "attackers ask you to"."""
        return bool(mask & self._bit["agent"]) and bool(
            mask & (self._bit["meta"] | (self._bit["author"] if bearing.spares_authors else 0))
        )

    def _has_subject(self, page: Page, word: int) -> bool:
        """Whether somebody follows a verb, as in "do users ..."."""
        following = word + 1
        if following >= page.end(word):
            return False
        return bool(page.bits[following] & (self._bit["agent"] | self._bit["you"]))

    def _is_question(self, page: Page, start: int) -> bool:
        """Whether the sentence asks about something, and not for it."""
        end = min(page.end(start), start + 6)
        for word in range(start, end):
            if page.bits[word] & self._bit["request"]:
                return False
            is_first = page.end(start) - 1 in page.questions or (
                word == start and self._has_subject(page, word)
            )
            if page.bits[word] & self._bit["question"] or (is_first and page.bits[word] & self._bit["aux"]):
                return not _mask(page, word, end) & self._bit["request"]
            if not page.bits[word] & (self._bit["soft"] | self._bit["sequel"]):
                return False
        return False


def _mask(page: Page, first: int, end: int) -> int:
    mask = 0
    for word in range(max(first, 0), end):
        mask |= page.bits[word]
    return mask


def _bare_mask(page: Page, first: int, end: int) -> int:
    """The same of the words that stand in no quotes themselves."""
    mask = 0
    for word in range(max(first, 0), end):
        if page.zone(word) is None:
            mask |= page.bits[word]
    return mask

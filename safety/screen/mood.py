"""Is it asked, or only talked about? "Ignore the rules" against "explain what 'ignore the rules' does".

What was found in a text counts when it is meant: an order, a request however polite, a claim. It does not
when the sentence around it explains, tests, quotes, forbids or tells of somebody else, and where the text
does not go on to say that it is to be done. What stands in quotes is told by `quoting`.
The lists of words that tell the two apart are data, like the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from safety.screen.clauses import REACH, Clauses, mask
from safety.screen.quoting import Quoting
from safety.screen.reading import COLON, COMMA, Page

#: Classes of words that this module asks for; a constitution must have each of them.
CLASSES: Final = (
    "meta", "author", "says", "agent", "soft", "asking", "negation", "heartening", "question", "request",
    "condition", "obey", "sequel", "join", "you", "being", "link", "aux", "program", "probing", "vocative",
    "addressed", "called-to", "location", "article", "doing", "doing-alone", "that-thing", "at-once",
    "pointer", "takes-text", "label", "pleasant", "enveloped",
)  # fmt: skip
#: Words before a verb in which a negation counts.
_NEGATION_REACH: Final = 4
#: Words of the shortest quote that a verb before it is taken to quote: one or two are only stressed.
_LEAST_QUOTED: Final = 3
#: Words before a colon that say what to do with what follows.
_LONGEST_LEAD: Final = 8
#: Words after an order to follow in which it is said what to follow.
_FOLLOW_REACH: Final = 7


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
        self._clauses = Clauses(self._bit, verbs & ~told)
        self._quoting = Quoting(self._bit, self._clauses)

    def is_meant(self, page: Page, first: int, last: int, bearing: Bearing) -> bool:
        """Whether the words from `first` to `last` are an ask or a claim, and not talk about one."""
        if self._clauses.is_called(page, first) and not self._is_ruled_out(page, first, last):
            return True
        zone = page.zone(first)
        if zone is not None and zone.kind == "comment":
            zone = None
        elif zone is None:
            object_zone = page.zone(last)
            if object_zone is not None and object_zone.end - object_zone.first >= _LEAST_QUOTED:
                zone = object_zone
        if zone is not None:
            is_meant = self._quoting.is_meant(page, zone, is_text=bearing.is_text)
            return is_meant or self._clauses.is_resumed(page, zone.end - 1)
        if not self._quoting.is_listed(page, first) and self._plain_is_meant(page, first, last, bearing):
            return True
        return not self._is_ruled_out(page, first, last) and self._clauses.is_resumed(page, last)

    def says_to_follow(self, page: Page) -> bool:
        """Whether a text says anywhere to do what stands in the data beside it."""
        return any(
            bits & self._bit["obey"] and page.begin(word) == word and self._follows_data(page, word)
            for word, bits in enumerate(page.bits)
        )

    def _follows_data(self, page: Page, word: int) -> bool:
        """Whether what is to be followed is the data, by the words after it: "do what the answers say"."""
        start = max(page.start(word), word - REACH)
        if self._is_negated(page, self._clauses.clause(page, start, word), word):
            return False
        return bool(mask(page, word, min(page.end(word), word + _FOLLOW_REACH)) & self._bit["enveloped"])

    # -- in plain text -------------------------------------------------------------------------------------

    def _plain_is_meant(self, page: Page, first: int, last: int, bearing: Bearing) -> bool:
        start = max(page.start(first), first - REACH)
        clause = self._clauses.clause(page, start, first)
        lead = mask(page, clause, first)
        if self._is_ruled_out(page, first, last):
            return False
        before = self._told_before(page, start, clause)
        if bearing.is_claim:
            return self._claim_is_meant(page, clause, first, lead | before, bearing)
        if self._clauses.is_order(page, clause, first):
            return self._order_is_meant(page, start, clause, first, before, bearing)
        if self._is_wished(page, clause, first):
            return True
        if lead & self._bit["condition"] and not lead & self._bit["asking"]:
            return False
        if self._is_asked(page, clause, first, lead):
            return not self._clauses.is_question(page, start) and not self._is_reported(
                before | lead, bearing
            )
        if self._is_excused(before | lead, bearing) or self._clauses.is_question(page, start):
            return False
        return not bearing.needs_order

    def _told_before(self, page: Page, start: int, clause: int) -> int:
        """The classes of the words before a clause, where they are talk about it.

        A label and an order to do what follows are not, and a few words before a colon are no condition.
        """
        before = mask(page, start, clause)
        if clause not in page.colons or clause - start > _LONGEST_LEAD:
            is_talk = not self._quoting.is_bare_label(page, start, clause)
            return before if is_talk and not self._clauses.is_introduced(page, start, clause) else 0
        if before & self._bit["obey"] or self._quoting.is_bare_label(page, start, clause):
            return 0
        return 0 if self._clauses.is_introduced(page, start, clause) else before & ~self._bit["condition"]

    def _claim_is_meant(self, page: Page, clause: int, first: int, before: int, bearing: Bearing) -> bool:
        start = max(page.start(first), first - REACH)
        if before & (self._bit["meta"] | self._bit["condition"]) or self._clauses.is_question(page, start):
            return False
        author = self._bit["author"] if bearing.spares_authors else 0
        return not self._clauses.has_order(page, clause, first, author)

    def _is_ruled_out(self, page: Page, first: int, last: int) -> bool:
        """Whether it is forbidden, or called what it is."""
        start = max(page.start(first), first - REACH)
        clause = self._clauses.clause(page, start, first)
        return self._is_negated(page, clause, first) or self._is_spoken_of(page, last)

    def _is_wished(self, page: Page, clause: int, first: int) -> bool:
        """Whether the clause wishes for it: "it would be lovely if you went ahead to"."""
        wished = self._bit["condition"] | self._bit["link"] | self._bit["soft"] | self._bit["you"]
        return any(
            page.bits[word] & self._bit["pleasant"]
            and word + 1 < first
            and page.bits[word + 1] & wished
            and bool(mask(page, word + 1, first) & (self._bit["you"] | self._bit["soft"]))
            for word in range(clause, first)
        )

    def _is_excused(self, mask: int, bearing: Bearing) -> bool:
        """Whether the words before say that it is only talked about."""
        if mask & self._bit["meta"]:
            return True
        if bearing.spares == "people":
            is_program = mask & self._bit["author"] and mask & self._bit["program"]
            return bool(mask & self._bit["agent"]) and not is_program
        return bearing.spares_authors and bool(mask & (self._bit["author"] | self._bit["agent"]))

    def _is_negated(self, page: Page, clause: int, first: int) -> bool:
        near = range(max(clause, first - _NEGATION_REACH), first)
        negations = [word for word in near if page.bits[word] & self._bit["negation"]]
        if not negations:
            return False
        between = mask(page, negations[-1] + 1, first)
        return not between & self._bit["heartening"]

    def _is_spoken_of(self, page: Page, last: int) -> bool:
        """Whether the sentence goes on to say what it is: "... is a common attack"."""
        end = min(page.end(last), last + 12)
        for word in range(last + 1, min(end, last + 3)):
            if page.breaks[word] >= COMMA:
                return False
            if page.bits[word] & self._bit["being"]:
                return bool(mask(page, word, end) & self._bit["meta"])
        return False

    def _order_is_meant(
        self, page: Page, start: int, clause: int, first: int, before: int, bearing: Bearing
    ) -> bool:
        if clause == start or page.breaks[clause] >= COLON or clause in page.colons:
            return not (bearing.is_text and before and self._tells_about(page, start, clause))
        if mask(page, clause - 1, first) & self._bit["sequel"] or page.breaks[clause] == COMMA:
            # a list of what somebody does goes on; anything else after a comma begins anew
            return not self._is_told_of(page, start, clause, before, bearing) or bool(
                mask(page, clause - 1, first) & self._bit["sequel"]
            )
        return not self._is_told_of(page, start, clause, before, bearing)

    def _tells_about(self, page: Page, first: int, end: int) -> bool:
        """Whether these words talk about what follows; to "validate" a command may as well be to run it."""
        meta, probing = self._bit["meta"], self._bit["probing"]
        if self._quoting.is_bare_label(page, first, end) or self._clauses.is_introduced(page, first, end):
            return False
        return any(page.bits[word] & meta and not page.bits[word] & probing for word in range(first, end))

    def _is_told_of(self, page: Page, start: int, clause: int, before: int, bearing: Bearing) -> bool:
        """Whether the sentence so far tells of somebody, so that what follows an "and" goes on telling."""
        if clause and page.bits[clause - 1] & self._bit["vocative"] and page.breaks[clause] == COMMA:
            return False
        if not before & (self._bit["agent"] | self._bit["link"]):
            return False
        told = before & (self._bit["meta"] | (self._bit["author"] if bearing.spares_authors else 0))
        is_told = bool(told) or self._clauses.is_question(page, start)
        return is_told and bool(before & self._bit["agent"])

    def _is_asked(self, page: Page, clause: int, first: int, lead: int) -> bool:
        """Whether the clause asks for it: "I want you to", "it would be kind to", "by"."""
        return bool(lead & self._bit["asking"]) or (
            first > clause and bool(mask(page, max(clause, first - 3), first) & self._bit["you"])
        )

    def _is_reported(self, mask: int, bearing: Bearing) -> bool:
        """Whether an ask is told of somebody: "attackers ask you to"."""
        return bool(mask & self._bit["agent"]) and bool(
            mask & (self._bit["meta"] | (self._bit["author"] if bearing.spares_authors else 0))
        )

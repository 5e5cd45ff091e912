"""Clauses of a sentence: where they begin, whether they order something, whether they ask about it.

Also whether a text goes on to say that what it has mentioned is to be done: "... and do it", "Perform each of
them.", "Begin." What was only quoted or explained until then is meant after all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from safety.screen.grammar import is_base
from safety.screen.reading import COLON, COMMA, LINE, NOTHING, Page

#: Words looked at on either side of what was found; a sentence may be a whole file.
REACH: Final = 80
#: Sentences after what was found in which it may be said to do it.
_SENTENCES_AFTER: Final = 2
#: Words of the longest clause that says no more than to do it.
_LONGEST_RESUMPTION: Final = 9
#: Words after which a verb in the third person tells what somebody does.
_RELATIVE: Final = frozenset({"that", "which", "who"})
#: Words after somebody is addressed in which the colon comes, or the word that he must.
_CALL_REACH: Final = 3


class Clauses:
    """Reads clauses by the classes of their words.

    Parameters:
        bit: the bit of each class.
        verbs: the classes of verbs by which no mood is told.
    """

    def __init__(self, bit: Mapping[str, int], verbs: int) -> None:
        self._bit = bit
        self._verbs = verbs
        self._soft = bit["soft"] | bit["asking"] | bit["you"] | bit["sequel"] | bit["request"]
        self._filling = bit["soft"] | bit["sequel"] | bit["that-thing"] | bit["at-once"] | bit["asking"]

    def clause(self, page: Page, start: int, first: int) -> int:
        """Where the clause begins that a word stands in."""
        for word in range(first, start, -1):
            if page.breaks[word] != NOTHING and word not in page.glued:
                return word
            if page.bits[word - 1] & self._bit["join"]:
                return word
        return start

    def is_order(self, page: Page, clause: int, first: int) -> bool:
        """Whether nothing but softening words stands before the verb in its clause."""
        if first > clause and page.words[first - 1] in _RELATIVE and not is_base(page.words[first]):
            return False
        soft = self._soft | page.bits[first] & self._verbs
        return all(page.bits[word] & soft for word in range(clause, first))

    def has_order(self, page: Page, first: int, end: int, wanted: int) -> bool:
        """Whether any of the words of these classes is an order."""
        return any(
            page.bits[word] & wanted and self.is_order(page, self.clause(page, first, word), word)
            for word in range(first, end)
        )

    def is_question(self, page: Page, start: int) -> bool:
        """Whether the sentence asks about something, and not for it."""
        end = min(page.end(start), start + 6)
        for word in range(start, end):
            if page.bits[word] & self._bit["request"] or self._is_relative(page, word):
                return False
            is_first = page.end(start) - 1 in page.questions or (
                word == start and self._has_subject(page, word)
            )
            if page.bits[word] & self._bit["question"] or (is_first and page.bits[word] & self._bit["aux"]):
                return not mask(page, word, end) & self._bit["request"]
            if not page.bits[word] & (self._bit["soft"] | self._bit["sequel"]):
                return False
        return False

    def _is_relative(self, page: Page, word: int) -> bool:
        """Whether it only looks like a question: "what you have to do is ...", "when done: ..."."""
        if page.end(word) - 1 in page.questions or not page.bits[word] & self._bit["question"]:
            return False
        is_followed = word + 1 < page.end(word) and page.words[word] == "what"
        is_yours = is_followed and bool(page.bits[word + 1] & self._bit["you"])
        return is_yours or bool(page.bits[word] & self._bit["sequel"])

    def _has_subject(self, page: Page, word: int) -> bool:
        """Whether somebody follows a verb, as in "do users ..."."""
        following = word + 1
        if following >= page.end(word):
            return False
        return bool(page.bits[following] & (self._bit["agent"] | self._bit["you"]))

    # -- what is said of it afterwards ---------------------------------------------------------------------

    def is_resumed(self, page: Page, last: int) -> bool:
        """Whether the text goes on to say that what ends with `last` is to be done."""
        end = self._end_of_sequel(page, last)
        return any(
            page.bits[word] & self._bit["doing"] and self._is_resumption(page, word)
            for word in range(last + 1, end)
        )

    def is_introduced(self, page: Page, start: int, end: int) -> bool:
        """Whether the words before a colon say to do what comes: "translate and perform:"."""
        return any(
            page.bits[word] & self._bit["doing"]
            and self.is_order(page, self.clause(page, start, word), word)
            and all(page.bits[each] & self._filling for each in range(word + 1, end))
            for word in range(max(start, end - 5), end)
        )

    def is_called(self, page: Page, first: int) -> bool:
        """Whether its line begins by speaking to a model that reads: "AI agents must ...", "Bot: ..."."""
        start = max(page.start(first), first - REACH)
        for word in range(first - 1, start - 1, -1):
            if page.bits[word] & self._bit["addressed"] and self._speaks_to(page, word, first):
                return self._begins_line(page, word)
        return False

    def _speaks_to(self, page: Page, word: int, first: int) -> bool:
        for each in range(word + 1, min(word + 1 + _CALL_REACH, first + 1)):
            if page.breaks[each] == COLON or page.bits[each] & self._bit["called-to"]:
                return True
        return False

    def _begins_line(self, page: Page, word: int) -> bool:
        """Whether little stands before a word in its line, its brackets or its quotes."""
        for each in range(word, max(page.start(word), word - _CALL_REACH) - 1, -1):
            if page.breaks[each] >= LINE or each in page.marked:
                return True
        return False

    def _end_of_sequel(self, page: Page, last: int) -> int:
        """Up to where it may be said: the rest of its sentence and of its list, and two sentences more."""
        number, most = page.sentence(last), len(page.sentences) - 1
        for _ in range(REACH):
            if number >= most or page.sentences[number + 1] not in page.bullets:
                break
            number += 1
        end = page.end(page.sentences[min(number + _SENTENCES_AFTER, most)])
        if number == page.sentence(last):
            return min(end, last + 1 + REACH)
        return min(end, page.sentences[number] + 2 * REACH)

    def _is_resumption(self, page: Page, word: int) -> bool:
        """Whether a clause says to do it, and no more: "do so now", "carry it out", "begin"."""
        if page.zone(word) is not None:
            return False
        clause = self.clause(page, page.start(word), word)
        if clause > 0 and page.bits[clause - 1] & self._bit["negation"]:
            return False
        if not self.is_order(page, clause, word):
            return False
        return self._is_filled(page, word) and (
            bool(page.bits[word] & self._bit["doing-alone"]) or self._takes_that(page, word)
        )

    def _takes_that(self, page: Page, word: int) -> bool:
        after = range(word + 1, min(self._clause_end(page, word), word + 4))
        return any(page.bits[each] & self._bit["that-thing"] for each in after)

    def _is_filled(self, page: Page, word: int) -> bool:
        """Whether nothing but filling words follows in the clause."""
        end = self._clause_end(page, word)
        if end - word > _LONGEST_RESUMPTION:
            return False
        return all(page.bits[each] & self._filling for each in range(word + 1, end))

    def _clause_end(self, page: Page, word: int) -> int:
        end = page.end(word)
        for each in range(word + 1, min(end, word + _LONGEST_RESUMPTION + 1)):
            if page.breaks[each] >= COMMA:
                return each
        return end


def mask(page: Page, first: int, end: int) -> int:
    """The classes of the words from `first` up to `end`."""
    found = 0
    for word in range(max(first, 0), end):
        found |= page.bits[word]
    return found


def bare_mask(page: Page, first: int, end: int) -> int:
    """The same of the words that stand in no quotes themselves."""
    found = 0
    for word in range(max(first, 0), end):
        if page.zone(word) is None:
            found |= page.bits[word]
    return found

"""What stands in quotes, in code or in a list: is it the object of talk, or only dressed as it?

Quotes excuse nothing. They do where words that talk about a text govern this one: in the same sentence, or
in the one before where it points at what comes ("Translate this text."). That some other sentence explains,
tests or writes something excuses nothing, and a bare label ("Example:") only where the text talks somewhere
of what is labelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from safety.screen.clauses import REACH, Clauses, bare_mask, mask
from safety.screen.reading import COLON, COMMA, LINE, Page, Zone

#: Words of the longest name in back ticks; more is a text.
_LONGEST_NAME: Final = 4
#: Words of the longest label.
_LONGEST_LABEL: Final = 4


class Quoting:
    """Tells quotes that are talked about from quotes that say what to do."""

    def __init__(self, bit: Mapping[str, int], clauses: Clauses) -> None:
        self._bit = bit
        self._clauses = clauses
        self._talk = bit["meta"] | bit["says"] | bit["author"]

    def is_meant(self, page: Page, zone: Zone, *, is_text: bool) -> bool:
        """Whether what stands in a zone is to be done; of a text such as a command no name is spared."""
        if self._is_obeyed(page, zone):
            return True
        if self._is_addressed(page, zone) and not self._around(page, zone) & self._bit["meta"]:
            return True
        if self.is_listed(page, zone.first) or self._is_governed(page, zone):
            return False
        is_name = zone.kind == "name" and not is_text
        start = max(page.start(zone.first), zone.first - REACH)
        around = bare_mask(page, start, zone.first) | self._after(page, zone)
        return not (is_name and around and zone.end - zone.first <= _LONGEST_NAME)

    def is_listed(self, page: Page, word: int) -> bool:
        """Whether it is an item of a list whose heading talks about what is listed."""
        start = page.start(word)
        if start not in page.bullets:
            return False
        number = page.sentence(start)
        for _ in range(REACH):
            if number <= 0:
                return False
            number -= 1
            if page.sentences[number] not in page.bullets:
                break
        first = page.sentences[number]
        listed = page.sentences[number + 1]
        return self._points(page, first, page.end(first), listed)

    def is_bare_label(self, page: Page, first: int, end: int) -> bool:
        """Whether these words only label what follows, in a text that talks of nothing: "Test case 1:"."""
        if end >= len(page.words) or not (
            end in page.colons or end in page.commas or page.start(end) in page.bullets
        ):
            return False
        if end - first > _LONGEST_LABEL or not mask(page, first, end) & self._bit["label"]:
            return False
        spare = self._bit["label"] | self._bit["soft"]
        if any(not page.bits[word] & spare and not page.words[word].isdigit() for word in range(first, end)):
            return False
        return not self._talks_elsewhere(page, page.sentence(first))

    def _talks_elsewhere(self, page: Page, number: int) -> bool:
        """Whether a sentence other than this and the one after explains, writes or tests something."""
        if page.talking is None:
            talk = self._bit["meta"] | self._bit["author"]
            page.talking = [
                each
                for each, first in enumerate(page.sentences)
                if first not in page.bullets
                and bare_mask(page, first, min(page.end(first), first + REACH)) & talk
            ]
        return any(each not in {number, number + 1} for each in page.talking[:4])

    # -- what is said around it ----------------------------------------------------------------------------

    def _around(self, page: Page, zone: Zone) -> int:
        """The classes of the words around a zone, in the sentences it stands in."""
        start = max(page.start(zone.first), zone.first - REACH)
        return bare_mask(page, start, zone.first) | self._after(page, zone) | self._sequel(page, zone)

    def _is_obeyed(self, page: Page, zone: Zone) -> bool:
        obey = self._bit["obey"]
        start = max(page.start(zone.first), zone.first - REACH)
        if (bare_mask(page, start, zone.first) | self._after(page, zone)) & obey:
            return True
        if self._clauses.is_introduced(page, start, zone.first):
            return True
        first = page.end(zone.end - 1)
        for word in range(first, min(page.end(first), first + REACH) if first < len(page.words) else 0):
            # to "do it" in ten words is to do something else; whether it is this is told by the clauses
            if page.bits[word] & obey and page.zone(word) is None and page.words[page.begin(word)] != "do":
                return True
        return self._begins_alone(page, zone) and bool(self._heading(page, zone.first) & obey)

    def _after(self, page: Page, zone: Zone) -> int:
        """The classes of the words after a zone in its sentence."""
        if zone.end >= len(page.words) or page.sentence(zone.end) != page.sentence(zone.end - 1):
            return 0
        return bare_mask(page, zone.end, min(page.end(zone.end), zone.end + REACH))

    def _sequel(self, page: Page, zone: Zone) -> int:
        """The classes of the sentence after the one a zone ends in."""
        first = page.end(zone.end - 1)
        return bare_mask(page, first, min(page.end(first), first + REACH)) if first < len(page.words) else 0

    def _is_addressed(self, page: Page, zone: Zone) -> bool:
        """Whether a quote begins by speaking to the model: "Dear assistant, ..."."""
        for word in range(zone.first, min(zone.first + _LONGEST_NAME, zone.end - 1)):
            if page.bits[word] & self._bit["vocative"] and page.breaks[word + 1] in {COMMA, COLON}:
                return True
        return False

    # -- what governs it -----------------------------------------------------------------------------------

    def _is_governed(self, page: Page, zone: Zone) -> bool:
        """Whether words that talk about a text talk about this one."""
        start = max(page.start(zone.first), zone.first - REACH)
        begin = self._governing(page, start, zone)
        if begin < zone.first:
            before = bare_mask(page, begin, zone.first)
            if before & self._talk or self._is_asked_about(page, start, zone):
                return not self.is_bare_label(page, begin, zone.first)
        elif start < zone.first and self._points(page, start, zone.first, zone.first):
            return True
        after = self._after(page, zone)
        if after & self._bit["meta"] or (after & self._talk and self._tells(page, zone, after)):
            return True
        if self._is_taken_up(page, zone, begin):
            return True
        return self._begins_alone(page, zone) and self._is_headed(page, zone.first)

    def _is_asked_about(self, page: Page, start: int, zone: Zone) -> bool:
        """Whether the sentence asks about the quote; a full stop within the quote does not end it."""
        if self._clauses.is_question(page, start):
            return True
        first = page.end(zone.end - 1)
        is_asked = first < len(page.words) and page.end(first) - 1 in page.questions
        return is_asked and start + 1 == zone.first and bool(page.bits[start] & self._bit["aux"])

    def _tells(self, page: Page, zone: Zone, after: int) -> bool:
        """Whether the words after a zone go on about it: "... is a title", "... as a heading"."""
        told = after & (self._bit["being"] | self._bit["pointer"])
        return bool(told or page.bits[zone.end] & self._bit["link"])

    def _governing(self, page: Page, start: int, zone: Zone) -> int:
        """Where the words begin that govern a zone; a dash or a semicolon ends what they reach."""
        for word in range(zone.first, start, -1):
            if word in page.dashes or (page.breaks[word] > COLON and word not in page.colons):
                return word
            if page.zone(word - 1) is None and self._is_set_off(page, word, zone):
                return word
            is_next = word < zone.first and page.bits[word] & self._bit["sequel"]
            if (
                is_next
                and page.zone(start) is None
                and any(page.zone(each) is not None for each in range(start, word))
            ):
                return word
        return start

    def _is_set_off(self, page: Page, word: int, zone: Zone) -> bool:
        """Whether a line ends before a word, or a comma stands before the quote itself."""
        return page.breaks[word] == LINE or (word == zone.first and word in page.commas)

    def _begins_alone(self, page: Page, zone: Zone) -> bool:
        """Whether no word stands before the quote in its sentence."""
        return page.start(zone.first) >= zone.first or zone.kind in {"code", "json"}

    def _heading(self, page: Page, word: int) -> int:
        """The classes of the sentence before the one a word stands in."""
        start = page.start(word)
        return bare_mask(page, max(page.start(start - 1), start - REACH), start) if start else 0

    def _is_headed(self, page: Page, word: int) -> bool:
        """Whether the sentence before talks about what comes."""
        start = page.start(word)
        return start > 0 and self._points(page, max(page.start(start - 1), start - REACH), start, word)

    def _points(self, page: Page, first: int, end: int, object_: int) -> bool:
        """Whether words talk about the text that follows them, and say that they do."""
        told = bare_mask(page, first, end)
        is_asked = self._clauses.is_question(page, first)
        if told & self._bit["obey"] or not (told & self._talk or is_asked):
            return False
        if object_ in page.colons or told & self._bit["pointer"]:
            return not self.is_bare_label(page, first, end)
        zone = page.zone(object_)
        if zone is not None and zone.kind == "code" and told & self._bit["program"]:
            return True
        return (is_asked or self._takes_text(page, first, end)) and all(
            page.zone(word) is None for word in range(first, end)
        )

    def _takes_text(self, page: Page, first: int, end: int) -> bool:
        """Whether they say what to do with a text and name no other thing: "Translate into German."."""
        known = self._bit["location"] | self._bit["says"] | self._bit["meta"]
        for word in range(first, end):
            if page.bits[word] & self._bit["takes-text"]:
                following = word + 1
                while following < end and page.bits[following] & self._bit["article"]:
                    following += 1
                if following >= end or page.words[following] == "for":
                    return True
                return bool(page.bits[following] & (known | self._bit["pointer"]))
        return False

    def _is_taken_up(self, page: Page, zone: Zone, begin: int) -> bool:
        """Whether the sentence after talks about it: "... Explain.", "... What does it mean?"."""
        first = page.end(zone.end - 1)
        named = self._bit["soft"] | (self._bit["pointer"] if zone.first in page.colons else 0)
        is_used = any(not page.bits[word] & named for word in range(begin, zone.first))
        if first >= len(page.words) or is_used:
            return False
        end = min(page.end(first), first + REACH)
        told = bare_mask(page, first, end)
        if told & self._bit["meta"] and (
            told & self._bit["pointer"] or self._clauses.has_order(page, first, end, self._bit["takes-text"])
        ):
            return True
        is_asked = self._clauses.is_question(page, first)
        return bool(
            told & self._bit["pointer"] and (told & (self._bit["says"] | self._bit["meta"]) or is_asked)
        )

"""A text as it is read: words in sentences, what stands between them, and what stands in quotes or code.

Words are numbered through the whole text. Before each stands a break: none, a comma or a line's end, a
colon or a dash, or a sentence's end. A zone is a run of words within quotes, code, a comment or a JSON
text. Reading goes once over the text; a quote that is never closed is no quote, and each kind of quote can
fail only once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from safety.screen.lexicon import Lexicon

#: What stands between two words.
NOTHING, COMMA, LINE, COLON, SENTENCE, PARAGRAPH = range(6)

_TOKENS: Final = re.compile(
    r"(?P<word>[^\W_]+(?:'[^\W_]+)*)"
    r"|(?P<fence>```+|~~~+)"
    r"|(?P<comment><!--)|(?P<uncomment>-->)"
    r"|(?P<paragraph>\n[^\S\n]*\n\s*)"
    r"|(?P<bullet>\n[ \t]*(?:[-*•+]|\d{1,3}[.)]|[a-z][.)])[ \t]+)"
    r"|(?P<line>\n)"
    r"|(?P<open>[“«「『„]|(?<!\w)'(?=\w))|(?P<close>[”»」』]|'(?!\w))"
    r"|(?P<quote>\")|(?P<tick>`)"
    r"|(?P<sentence>[.!?]+(?=\s|$|[\"'”’»)\]}`])|[。！？…]+)"
    r"|(?P<call>(?<=\w)[(\[{])"
    r"|(?P<colon>[:;：；](?!\w)|(?<=\s)[-–—|]+(?=\s)|[(){}\[\]—]|=>|->|[→⇒>#*=]+)"
    r"|(?P<comma>[,，、](?!\d))"
    r"|(?P<glue>_)"
)
_BREAKS: Final = {
    "paragraph": PARAGRAPH, "bullet": PARAGRAPH, "line": LINE,
    "sentence": SENTENCE, "colon": COLON, "comma": COMMA, "call": COMMA,
}  # fmt: skip
#: Openers of zones, by the token that opens: the kind of zone, and the token that closes it.
_OPENERS: Final = {
    "fence": ("code", "fence"),
    "comment": ("comment", "uncomment"),
    "quote": ("quote", "quote"),
    "tick": ("name", "tick"),
    "open": ("quote", "close"),
}
#: Words of the longest quote.
_LONGEST_ZONE: Final = 4000


@dataclass(slots=True)
class Zone:
    """Words that stand in quotes, code, a comment, a JSON text, or under a heading as an item of a list."""

    kind: str
    first: int
    #: one past the last
    end: int


@dataclass(slots=True)
class Page:
    """A text that was read."""

    words: list[str] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)
    #: what stands before each word
    breaks: list[int] = field(default_factory=list)
    #: words that begin an item of a list
    bullets: set[int] = field(default_factory=set)
    #: words that are glued to the one before, as in snake_case
    glued: set[int] = field(default_factory=set)
    #: words with a quote mark or the like before them: no phrase goes across one
    marked: set[int] = field(default_factory=set)
    #: words after a colon
    colons: set[int] = field(default_factory=set)
    #: words after a dash or a semicolon
    dashes: set[int] = field(default_factory=set)
    #: words after a comma
    commas: set[int] = field(default_factory=set)
    #: words at the end of a question
    questions: set[int] = field(default_factory=set)
    #: words within a phrase, with the phrase's first word
    within: dict[int, int] = field(default_factory=dict)
    #: second words of phrases of two, with the first: "system prompt" is one thing, not a system and a prompt
    pairs: dict[int, int] = field(default_factory=dict)
    zones: list[Zone] = field(default_factory=list)
    #: first word of each sentence
    sentences: list[int] = field(default_factory=list)
    #: numbers of the sentences that talk about something, once they were looked for
    talking: list[int] | None = None
    _zone_of: list[int] = field(default_factory=list)
    _sentence_of: list[int] = field(default_factory=list)

    def zone(self, word: int) -> Zone | None:
        """The zone a word stands in."""
        number = self._zone_of[word]
        return self.zones[number] if number >= 0 else None

    def sentence(self, word: int) -> int:
        """The number of the sentence a word stands in."""
        return self._sentence_of[word]

    def start(self, word: int) -> int:
        """The first word of the sentence a word stands in."""
        return self.sentences[self._sentence_of[word]]

    def end(self, word: int) -> int:
        """One past the last word of the sentence a word stands in."""
        following = self._sentence_of[word] + 1
        return self.sentences[following] if following < len(self.sentences) else len(self.words)

    def begin(self, word: int) -> int:
        """The first word of the phrase a word belongs to; itself where it belongs to none."""
        return self.within.get(word, word)

    def close(self) -> None:
        """Count the sentences and mark the zones."""
        self.sentences = [0] if self.words else []
        for word in range(len(self.words)):
            if word and self.breaks[word] >= SENTENCE:
                self.sentences.append(word)
            self._sentence_of.append(len(self.sentences) - 1)
        self._zone_of = [-1] * len(self.words)
        for number, zone in enumerate(self.zones):
            for word in range(zone.first, zone.end):
                self._zone_of[word] = number


def read(text: str, lexicon: Lexicon) -> Page:
    """Read a folded text."""
    page = _Reader(lexicon).read(text)
    page.close()
    return page


class _Reader:
    """Reads one text."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._page = Page()
        self._break = PARAGRAPH
        self._is_bullet = self._is_glued = self._is_colon = self._is_comma = self._is_dash = False
        #: marks of quotes with the number of the word that follows, in order
        self._marks: list[tuple[str, int, str]] = []
        #: words before which a quote begins or ends
        self._edges: set[int] = set()

    def read(self, text: str) -> Page:
        for found in _TOKENS.finditer(self._lexicon.mark_spans(text)):
            kind = found.lastgroup or ""
            if kind == "word":
                self._word(found[0])
            else:
                self._mark(kind, found[0])
        self._phrases()
        self._page.zones = _zones(self._marks, len(self._page.words))
        return self._page

    def _word(self, token: str) -> None:
        page = self._page
        number = len(page.words)
        word, bits = self._lexicon.look_up(token)
        page.words.append(word)
        page.bits.append(bits)
        page.breaks.append(self._break)
        if self._break:
            if self._is_bullet:
                page.bullets.add(number)
            if self._is_colon:
                page.colons.add(number)
            if self._is_comma:
                page.commas.add(number)
            if self._is_dash:
                page.dashes.add(number)
            self._break = NOTHING
            self._is_bullet = self._is_colon = self._is_comma = self._is_dash = False
        elif self._is_glued:
            page.glued.add(number)
        self._is_glued = False

    def _phrases(self) -> None:
        """Give the words of every known phrase its class."""
        page, phrases = self._page, self._lexicon.phrases
        words, last = page.words, len(page.words) - 1
        for first, word in enumerate(words):
            known = phrases.get(word)
            if known is None or first == last:
                continue
            for rest, bits in known.get(words[first + 1], ()):
                end = first + 2 + len(rest)
                if rest and tuple(words[first + 2 : end]) != rest:
                    continue
                inner = range(first + 1, end)
                if any(page.breaks[number] > LINE or number in page.marked for number in inner):
                    continue
                if not self._edges.isdisjoint(range(first + 1, end)):
                    # half of it stands in quotes: it may be a thing, but nothing is told to be done
                    self._join(first, end, bits & ~self._lexicon.bit.get("obey", 0))
                else:
                    self._join(first, end, bits)

    def _join(self, first: int, end: int, bits: int) -> None:
        page = self._page
        for number in range(first, end):
            page.bits[number] |= bits
            if number > first:
                page.within.setdefault(number, first)
        if end == first + 2 and bits & self._lexicon.nouns:
            page.pairs[first + 1] = first

    def _mark(self, kind: str, token: str) -> None:
        if kind in _BREAKS:
            self._break = max(self._break, _BREAKS[kind])
            self._is_bullet |= kind == "bullet"
            self._is_colon |= token[0] in ":："
            self._is_comma |= kind == "comma"
            self._is_dash |= token[0] in ";；-–—|"
            if kind == "sentence" and "?" in token + "" and self._page.words:
                self._page.questions.add(len(self._page.words) - 1)
            if token[0] in ":：" or kind == "colon":
                self._marks.append(("colon", len(self._page.words), token))
        elif kind == "glue":
            self._is_glued = self._break == NOTHING
        else:
            self._marks.append((kind, len(self._page.words), token))
            self._page.marked.add(len(self._page.words))
            self._edges.add(len(self._page.words))
            self._break = max(self._break, COMMA)


def _zones(marks: list[tuple[str, int, str]], words: int) -> list[Zone]:
    """The quotes, code and comments of a text."""
    zones: list[Zone] = []
    unclosed: set[str] = set()
    place = 0
    while place < len(marks):
        kind, first, _ = marks[place]
        opened = _OPENERS.get(kind)
        if opened is None or kind in unclosed:
            place += 1
            continue
        closing = place + 1
        while closing < len(marks) and marks[closing][0] != opened[1]:
            closing += 1
        if closing >= len(marks):
            unclosed.add(kind)
            place += 1
            continue
        end = marks[closing][1]
        if first < end <= first + _LONGEST_ZONE:
            zones.append(Zone(_kind(opened[0], marks, place), first, min(end, words)))
        place = closing + 1
    return zones


def _kind(kind: str, marks: list[tuple[str, int, str]], place: int) -> str:
    """A quote that is the value of a JSON member is one of its own kind."""
    before = [mark[0] for mark in marks[max(0, place - 2) : place]]
    if kind == "quote" and before == ["quote", "colon"] and marks[place - 1][1] == marks[place][1]:
        return "json"
    return kind

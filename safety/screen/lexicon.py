"""Classes of words: which verbs override, which nouns are secrets, which words only talk about a thing.

A class is a bit, a word the bits of its classes. A word is looked up as it is; one that is not known is
looked at again as what it may be meant to be: with its digits read as letters, without doubled letters, in
the Latin letters it resembles, or with one slip of the finger. What was found is kept, so that each word is
puzzled over once.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Final

from safety.screen.folding import as_latin, fold
from safety.screen.grammar import noun_forms, verb_forms

ROT13: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")

_LEET: Final = str.maketrans(
    {
        "0": "o",
        "1": "i",
        "3": "e",
        "4": "a",
        "5": "s",
        "7": "t",
        "8": "b",
        "@": "a",
        "$": "s",
        "!": "i",
        "|": "l",
        "€": "e",
        "9": "g",
    }
)
_LEET_L: Final = str.maketrans(
    {
        "1": "l",
        "|": "l",
        "0": "o",
        "3": "e",
        "4": "a",
        "5": "s",
        "7": "t",
        "@": "a",
        "$": "s",
        "!": "l",
        "9": "g",
        "8": "b",
    }
)
_DOUBLED: Final = re.compile(r"(.)\1{1,}")
#: A digit that is put into a word: ig1nore.
_DIGIT_WITHIN: Final = re.compile(r"(?<=[a-z])\d(?=[a-z])")
_TRIPLED: Final = re.compile(r"(.)\1{2,}")
#: Letters of the shortest word in which a slip is looked for: among short words too many are neighbours.
_LEAST_SLIP: Final = 6
#: Letters of the shortest word that is put together from pieces, or found again in a misspelt text.
_LEAST_WHOLE: Final = 4
_VOWELS: Final = "aeiou"
#: What French and Italian write before a word, with an apostrophe.
_ELIDED: Final = frozenset(
    ["l", "d", "qu", "n", "s", "t", "m", "j", "c", "dell", "all", "nell", "sull", "dall", "un"]
)
#: Letters of the shortest stem.
_LEAST_STEM: Final = 4
_MOST_KEPT: Final = 100_000
_MOST_SPLITS: Final = 10_000
_LONGEST: Final = 40
#: Letters of the longest word that a run of letters is taken apart into.
_LONGEST_PIECE: Final = 16


class Lexicon:
    """The words of a constitution by class.

    Parameters:
        verbs: lists of verbs by class; every form of them counts. nouns: lists of nouns by class; the
        plural counts too. terms: lists of words by class, as they are; one that ends in * stands for every
        word that begins so. spans: texts by class that are found
        within any text, such as paths and words of scripts without blanks.
    """

    def __init__(
        self,
        verbs: Mapping[str, Iterable[str]],
        nouns: Mapping[str, Iterable[str]],
        terms: Mapping[str, Iterable[str]],
        spans: Mapping[str, Iterable[str]],
    ) -> None:
        self.bit: dict[str, int] = {}
        self._words: dict[str, int] = {}
        #: phrases by their first word: the words that follow, and the bits
        self._phrases: dict[str, dict[tuple[str, ...], int]] = {}
        #: beginnings of words, for languages with many endings
        self._stems: dict[str, int] = {}
        for lists, forms in ((verbs, verb_forms), (nouns, noun_forms), (terms, lambda word: (word,))):
            for name, words in lists.items():
                for word in words:
                    for form in forms(word):
                        self._add(form, self._class(name))
        #: the same by their second word too: the words after it, and the classes
        self.phrases: dict[str, dict[str, list[tuple[tuple[str, ...], int]]]] = {}
        for first, phrases in self._phrases.items():
            for (second, *rest), bits in phrases.items():
                by_second = self.phrases.setdefault(first, {})
                by_second.setdefault(second, []).append((tuple(rest), bits))
        self._enter_spans(spans)
        #: classes of nouns: two words that are one noun are one thing
        self.nouns = sum({self.bit[name] for name in nouns})
        #: classes of verbs that no mood is told by
        self.verbs = sum({self.bit[name] for name in verbs})
        #: words by what they are after ROT13, and read backwards, where that is no word itself
        self.by_rot13 = self._turned(lambda word: word.translate(ROT13))
        self.backwards = self._turned(lambda word: word[::-1])
        #: words that are told from their pieces
        self.long_words = frozenset(word for word, bits in self._words.items() if bits and len(word) >= 6)
        #: words that are put together again from their pieces
        self.whole_words = frozenset(word for word in self._words if len(word) >= _LEAST_WHOLE)
        self._near = self._slips()
        self._splits: dict[str, list[str]] = {}
        self._kept: dict[str, tuple[str, int]] = {}

    def _enter_spans(self, spans: Mapping[str, Iterable[str]]) -> None:
        self._span_class: dict[str, str] = {}
        #: what stands for a span, as a person is shown it
        self._shown = {marker(ADDRESS): f"[{ADDRESS}]"}
        classes: dict[str, dict[str, None]] = {}
        for name, texts in spans.items():
            for text in texts:
                classes.setdefault(fold(text).text, {})[name] = None
        for text, names in classes.items():
            word = marker("".join(names))
            self._words[word] = sum(self._class(name) for name in names)
            self._span_class[text] = word
            self._shown[word] = f"[{next(iter(names))}]" if text.isascii() else text
        self._words[marker(ADDRESS)] = self._class(ADDRESS)
        self._ascii = _alternatives(text for text in self._span_class if text.isascii())
        self._begins: dict[str, int] = {}
        for text, word in self._span_class.items():
            if text.isascii():
                self._begins[text[:4]] = self._begins.get(text[:4], 0) | self._words[word]
        self._foreign = _alternatives(text for text in self._span_class if not text.isascii())

    def _class(self, name: str) -> int:
        return self.bit.setdefault(name, 1 << len(self.bit))

    def _add(self, form: str, bit: int) -> None:
        first, *rest = _WORDS.findall(form if form.isascii() else fold(form).text)
        if form.endswith("*"):
            self._stems["".join([first, *rest])] = self._stems.get("".join([first, *rest]), 0) | bit
        elif rest:
            phrases = self._phrases.setdefault(first, {})
            phrases[tuple(rest)] = phrases.get(tuple(rest), 0) | bit
            for word in (first, *rest):  # known, so that it is not taken for a slip in another
                self._words.setdefault(word, 0)
        else:
            self._words[first] = self._words.get(first, 0) | bit

    def _turned(self, turn: Callable[[str], str]) -> frozenset[str]:
        turned = {turn(word) for word in self._words if word.isascii() and word.isalpha() and len(word) > 1}
        return frozenset(turned - self._words.keys())

    def _slips(self) -> dict[str, str]:
        """Every long word with a letter left out, to find it again where a finger slipped."""
        near: dict[str, str] = {}
        for word, bits in self._words.items():
            if len(word) >= _LEAST_SLIP and bits and word.isascii() and word.isalpha():
                near.setdefault(word, word)
                for place in range(1, len(word)):
                    near.setdefault(word[:place] + word[place + 1 :], word)
        return near

    @functools.cached_property
    def _misspelt(self) -> dict[str, str]:
        """Every word as it is with a letter left out, of short ones a vowel, one doubled or two exchanged."""
        found: dict[str, str] = {}
        for word in self._words:
            if len(word) >= _LEAST_WHOLE and word.isascii() and word.isalpha():
                found.setdefault(word + word[-1], word)
                for place in range(1, len(word)):
                    if word[place] in _VOWELS or len(word) > _LEAST_WHOLE:
                        found.setdefault(word[:place] + word[place + 1 :], word)
                    found.setdefault(word[:place] + word[place - 1] + word[place:], word)
                    exchanged = word[place] + word[place - 1]
                    found.setdefault(word[: place - 1] + exchanged + word[place + 1 :], word)
        return found

    def respell(self, word: str) -> str | None:
        """The known word that a word which is not known may be meant to be, or none."""
        if len(word) >= _LEAST_SLIP:
            meant, _ = self.look_up(word)
            if meant != word:
                return meant
        return self._misspelt.get(word) or self._exchanged(word)

    def _exchanged(self, word: str) -> str | None:
        """The long word that a word of the same length is but for one letter within it."""
        if len(word) < _LEAST_SLIP:
            return None
        near = (self._near.get(word[:place] + word[place + 1 :]) for place in range(1, len(word) - 1))
        return next((each for each in near if each and len(each) == len(word) and each[0] == word[0]), None)

    def look_up(self, word: str) -> tuple[str, int]:
        """The known word that a word in small letters is or stands for, and its classes."""
        kept = self._kept.get(word)
        if kept is None:
            bits = self._words.get(word, 0) | self._stem_bits(word)
            meant = word if bits else self._meant(word)
            kept = meant, bits or self._words.get(meant, 0)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[word] = kept
        return kept

    def _stem_bits(self, word: str) -> int:
        """The classes of the longest beginning of a word that is a stem."""
        for length in range(min(len(word), _LONGEST_PIECE), _LEAST_STEM - 1, -1):
            bits = self._stems.get(word[:length])
            if bits is not None:
                return bits
        return 0

    def bits(self, word: str) -> int:
        """The classes of a word in small letters."""
        return self.look_up(word)[1]

    def knows(self, word: str) -> bool:
        """Whether the word is in a list as it is."""
        return word in self._words

    def told(self, word: str) -> str:
        """A word as a person is shown it."""
        return self._shown.get(word, word)

    def _meant(self, word: str) -> str:
        if word in self._words or len(word) > _LONGEST:
            return word
        return next((each for each in self._readings(word) if each in self._words), word)

    def split(self, run: str) -> list[str]:
        """A run of letters as the known words it is made of; letters that are in none stand alone."""
        kept = self._splits.get(run)
        if kept is None:
            if len(self._splits) >= _MOST_SPLITS:
                self._splits.clear()
            kept = self._splits[run] = self._split(run)
        return kept

    def _split(self, run: str) -> list[str]:
        # the fewest letters left over, then the fewest words, up to each place
        best: list[tuple[int, int, int]] = [(0, 0, 0)]
        for end in range(1, len(run) + 1):
            left, words, _ = best[end - 1]
            choice = (left + 1, words + 1, end - 1)
            for start in range(max(0, end - _LONGEST_PIECE), end - 1):
                if run[start:end] in self._words:
                    choice = min(choice, (best[start][0], best[start][1] + 1, start))
            best.append(choice)
        pieces: list[str] = []
        end = len(run)
        while end:
            start = best[end][2]
            pieces.append(run[start:end])
            end = start
        return pieces[::-1]

    def span_classes(self, text: str) -> int:
        """The classes of paths, addresses and words of scripts without blanks that a text may have."""
        mask = 0
        if not text.isascii() and self._foreign is not None:
            mask = self.classes({self._span_class[found] for found in self._foreign.findall(text)})
        if "/" in text or "." in text or "_" in text:
            for begin, bits in self._begins.items():
                if begin in text:
                    mask |= bits
            if "://" in text or "@" in text or _HOST_SIGN.search(text):
                mask |= self.bit[ADDRESS]
        return mask

    def classes(self, words: Set[str]) -> int:
        """The classes that a text of these words may have, with those of the phrases they may make."""
        mask = 0
        meant = set()
        for word in words:
            known, bits = self.look_up(word)
            meant.add(known)
            mask |= bits
        for word in meant & self.phrases.keys():
            for second in self.phrases[word].keys() & meant:
                for _, bits in self.phrases[word][second]:
                    mask |= bits
        return mask

    def _readings(self, word: str) -> Iterable[str]:
        if "'" in word:
            yield word.partition("'")[2]  # l'ordre, d'avant
        if not word.isascii():
            latin = as_latin(word)
            if latin.isascii():
                yield latin
                yield from self._near_words(latin)
            return
        if "'" in word:
            article, _, rest = word.partition("'")
            if article in _ELIDED:
                yield rest
        if not word.isalpha():
            if any(map(str.isalpha, word)):
                for table in (_LEET, _LEET_L):
                    letters = word.translate(table)
                    if letters.isalpha():
                        yield letters
                        yield from self._near_words(letters)
                yield _DIGIT_WITHIN.sub("", word)
            return
        yield _TRIPLED.sub(r"\1", word)
        yield _TRIPLED.sub(r"\1\1", word)
        yield from self._near_words(word)

    def _near_words(self, word: str) -> Iterable[str]:
        """Known words one slip away: a letter too few, too many, exchanged, or two in the wrong order."""
        if len(word) < _LEAST_SLIP - 1:
            return
        found = self._near.get(word)  # one letter too few
        if found is not None and len(word) >= _LEAST_SLIP - 1 and (len(found) >= 7 or found[:2] == word[:2]):
            yield found
        for place in range(1, len(word)):
            shorter = word[:place] + word[place + 1 :]
            found = self._near.get(shorter)
            if found is None or found[0] != word[0]:
                continue
            if found == shorter:  # one too many
                if len(found) >= 7 or word[place] == word[place - 1]:
                    yield found
            elif sorted(found) == sorted(word) or (
                len(found) >= 8 and len(found) == len(word) and found[-1] == word[-1]
            ):
                yield found

    def mark_spans(self, text: str) -> str:
        """The text with every span replaced by a word that stands for its class."""
        if "/" in text:
            text = _SLASHES.sub("/", text)
        if self._ascii is not None and any(begin in text for begin in self._begins):
            text = self._ascii.sub(self._mark, text)
        if self._foreign is not None and not text.isascii():
            text = self._foreign.sub(self._mark, text)
        if "." in text and ("/" in text or "@" in text or _HOST_SIGN.search(text)):
            text = _ADDRESSES.sub(_mark_address, text)
        return text

    def _mark(self, found: re.Match[str]) -> str:
        return f" {self._span_class[found[0]]} "


def _mark_address(found: re.Match[str]) -> str:
    """What stands for an address, with the full stop or the comma after it."""
    address = found[0]
    return f" {marker(ADDRESS)} {address[len(address.rstrip('.,;:!?')) :]}"


#: The class of addresses of other machines: URLs, mail addresses, hosts, IP numbers.
ADDRESS: Final = "address"
_ADDRESSES: Final = re.compile(
    r"(?:https?|ftps?|wss?|sftp|hxxps?)://[^\s\"'<>)\]]{1,2000}"
    r"|[a-z0-9][\w.+-]{0,63}@[a-z0-9][a-z0-9.-]{0,200}\.[a-z]{2,24}(?!\w)"
    r"|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.])"
    r"|(?<![\w.@/-])(?:[a-z0-9-]{1,63}\.){1,6}(?:com|net|org|io|example|test|invalid|evil|xyz|ru|cn|info|biz|top|site|online|onion|dev|app|me|co|ai|cloud|tk|de|uk|to|sh|cc|link|click|page|local|internal|attacker|ngrok)(?![\w.-]*\w)(?::\d{1,5})?(?:/[^\s\"'<>)\]]{0,2000})?"
)
_HOST_SIGN: Final = re.compile(r"\w\.\w")
_SLASHES: Final = re.compile(r"(?<!:)/(?:\.?/)+")
_WORDS: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def marker(name: str) -> str:
    """The word that stands in a text for a span of a class."""
    return f"zq{name.replace('-', '')}zq"


def _alternatives(texts: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern for any of the texts, the longest first; ASCII ones only where a word may begin and end."""
    written = sorted(texts, key=len, reverse=True)
    if not written:
        return None
    either = "|".join(map(re.escape, written))
    return re.compile(rf"(?<![\w])(?:{either})(?![a-z0-9])" if written[0].isascii() else either)

"""A copy of a text as it looks: one form for every letter, and nothing in it that cannot be seen.

The copy is only looked at; what is sent is the text itself. Letters that look alike become one (Cyrillic о,
Greek ο, full-width and mathematical letters), marks over letters and characters without a shape go, runs of
blanks become one. A word of one foreign script is left as it is, since it is probably a word of that script.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

#: Unicode's tag block: shown as nothing, read by models as letters.
_TAGS: Final = re.compile("[\U000e0020-\U000e007f]")
#: Embeddings, overrides and isolates (UAX #9): they show text in another order than it is read in.
_REORDER: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OVERRIDE: Final = re.compile("[\u202d\u202e]")
#: Variation selectors hide bytes behind a letter: one is an emoji's form, a row of them is a message.
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}")
#: Zero-width characters in a row, or within a word of Latin letters.
_ZERO_WIDTH: Final = re.compile(
    "[\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u034f\u2061-\u2064\u115f\u1160\u3164\uffa0]"
)
#: Zero-width characters in a row: bits. One joins an emoji or parts a Persian word.
_BITS: Final = re.compile("[\u200b-\u200d\u2060-\u2064\ufeff]{8,}")
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_BLANKS: Final = re.compile(r"[^\S\n]+")
_LINES: Final = re.compile(r"\r\n?|[\u0085\u2028\u2029\x0b\x0c]")
_WORD: Final = re.compile(r"\w+")
_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0640\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_QUOTES: Final = str.maketrans(
    {"‘": "'", "’": "'", "‛": "'", "`": "`", "´": "'", "ʼ": "'", "＂": '"', "⁄": "/", "∕": "/", "․": "."}
)

#: What looks like a Latin letter, by the letter (from Unicode's confusables, the common part).
_ALIKE: Final = {
    "a": "аαɑᴀ∂ａӑ", "b": "ЬвƄʙᏏ", "c": "сϲᴄⅽ", "d": "ԁɗᴅⅾ", "e": "еєεҽ℮ᴇ", "f": "ғϝƒꜰ", "g": "ɡցԍɢ",
    "h": "һнհʜ", "i": "іιıɪӏⅰ", "j": "јϳᴊ", "k": "кκᴋ", "l": "ⅼʟłⲓ", "m": "мⅿᴍ", "n": "пոηɴ",
    "o": "оοσօᴏ0ө", "p": "рρᴘ", "q": "ԛգ", "r": "гᴦʀг", "s": "ѕꜱʂ", "t": "тτᴛ", "u": "υսцᴜ", "v": "νѵᴠⅴ",
    "w": "ԝωшᴡѡ", "x": "хχⅹ", "y": "уγүʏ", "z": "ᴢʐ",
}  # fmt: skip
_TO_LATIN: Final = {
    ord(other): letter for letter, others in _ALIKE.items() for other in others if other != "0"
}
#: Letters inside circles and squares, and regional indicators, which NFKC leaves.
_TO_LATIN_ALWAYS: Final = (
    {0x1F150 + n: chr(97 + n) for n in range(26)}
    | {0x1F170 + n: chr(97 + n) for n in range(26)}
    | {0x1F1E6 + n: chr(97 + n) for n in range(26)}
    | {0x1F130 + n: chr(97 + n) for n in range(26)}
)


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it looks, in small letters, and what was found in it that cannot be seen."""

    text: str
    #: `invisible-text`, `reordered-text`, or nothing
    hidden: tuple[str, ...] = ()
    #: zero-width characters that were taken out
    zero_width: int = 0


def fold(text: str) -> Folded:
    """The copy to look at."""
    if text.isascii():
        return Folded(_plain(text.lower()))
    hidden = []
    if _TAGS.search(text) or _SELECTORS.search(text) or _BITS.search(text):
        hidden.append("invisible-text")
    if _OVERRIDE.search(text) or len(_REORDER.findall(text)) > 2 * text.count("\n") + 4:
        hidden.append("reordered-text")
    zero_width = len(_ZERO_WIDTH.findall(text))
    seen = _UNSEEN.sub("", text)
    one = unicodedata.normalize("NFKC", seen).translate(_TO_LATIN_ALWAYS)
    bare = _MARKS.sub("", unicodedata.normalize("NFD", one.lower()))
    lined = _LINES.sub("\n", unicodedata.normalize("NFC", bare).translate(_QUOTES))
    return Folded(_plain(_WORD.sub(_latin, lined)), tuple(hidden), zero_width)


def _plain(text: str) -> str:
    if "\r" in text or "\x0b" in text or "\x0c" in text:
        text = _LINES.sub("\n", text)
    if "  " in text or "\t" in text or not text.isascii():
        text = _BLANKS.sub(" ", text)
    return text


def _latin(word: re.Match[str]) -> str:
    """A word with letters of another script: in Latin letters where it mixes scripts."""
    text = word[0]
    if text.isascii():
        return text
    latin = text.translate(_TO_LATIN)
    if latin == text:
        return text
    is_mixed = any("a" <= letter <= "z" for letter in text)
    # A word all of whose letters look Latin is kept: it may be a word. The lexicon knows both of its faces.
    return latin if is_mixed and latin.isascii() else text


def as_latin(word: str) -> str:
    """A word of another script by the Latin letters that look like its own."""
    return word.translate(_TO_LATIN)

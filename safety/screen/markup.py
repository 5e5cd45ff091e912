"""What stands between the letters of words and is shown as nothing, or as decoration: tags, brackets.

Also letters that all have the same sign between them, blanks included, and words written as one.
"""

from __future__ import annotations

import re
from typing import Final

from safety.screen.folding import fold

#: Tags and comments of HTML with a letter on either side.
_TAGS: Final = re.compile(
    r"(?<=[^\W_])(?:<!--[^<>]{0,100}-->|</?[a-z][a-z0-9]{0,15}(?:\s[^<>]{0,100})?/?>){1,8}(?=[^\W_])"
)
_ANY_TAG: Final = re.compile(r"</?[a-z][a-z0-9]{0,15}(?:\s[^<>]{0,100})?/?>")
#: Tags within words by which a text shows that it is full of them.
_MANY: Final = 3
#: Links of Markdown that show nothing.
_EMPTY_LINKS: Final = re.compile(r"\[\]\([^()\s]{0,100}\)")
#: A few letters of a word in brackets: ig(n)ore, [i]gnore.
_BRACKETS: Final = re.compile(
    r"(?<=[^\W_])[(\[{]([^\W\d_]{1,3})[)\]}](?=[^\W_])|(?<![\w(\[{])[(\[{]([^\W\d_]{1,2})[)\]}](?=[^\W_]{2})"
    r"|(?<=[^\W_]{2})[(\[{]([^\W\d_]{1,2})[)\]}](?![\w(\[{])"
)
#: Words written as one, each with a capital, or with the first small.
_HUMPS: Final = re.compile(r"(?<![A-Za-z])[A-Z]?[a-z]{1,20}(?:[A-Z][a-z]{0,20}){3,60}(?![A-Za-z])")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
#: The sign of letters with something between them.
_LACED: Final = re.compile(r"^\w([^\w\n]).\1.\1.\1", re.MULTILINE)
#: Characters of the shortest text that is read as letters with a sign between them.
_LEAST_LACED: Final = 12


def bared(text: str, folded: str) -> str:
    """The folded text without what was put between letters; the very same where there is nothing of it."""
    if _LACED.search(text):
        laced = _unlaced(text)
        if laced != text:
            text, folded = laced, fold(laced).text
    if _HUMPS.search(text):
        folded = fold(_HUMPS.sub(lambda found: _HUMP.sub(" ", found[0]), text)).text
    if "<" in folded:
        folded, count = _TAGS.subn("", folded)
        if count >= _MANY:
            folded = _ANY_TAG.sub("", folded)
    if "[](" in folded:
        folded = _EMPTY_LINKS.sub("", folded)
    if "(" in folded or "[" in folded or "{" in folded:
        folded = _BRACKETS.sub(lambda found: found[1] or found[2] or found[3], folded)
    return folded


def _unlaced(text: str) -> str:
    """Every line without the sign that stands between all of its letters."""
    lines = text.split("\n")
    return "\n".join(line[::2] if _is_laced(line) else line for line in lines)


def _is_laced(line: str) -> bool:
    if len(line) < _LEAST_LACED or line[1].isalnum():
        return False
    return line[1::2].count(line[1]) == len(line) // 2

"""The forms that an ask may forbid and an answer can be seen to have: emoji, links, lists, and the like.

Only what can be told from the letters alone stands here. "No jargon" is left to a model or a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_EMOJI: Final = r"[\U0001F300-\U0001FAFF\u2600-\u27BF\U0001F1E6-\U0001F1FF]"


@dataclass(frozen=True, slots=True)
class Form:
    """A form: how an ask names it, how it looks, and whether it is looked for in code too."""

    name: str
    asked: re.Pattern[str]
    seen: re.Pattern[str]
    is_in_code: bool = False


def _form(name: str, asked: str, seen: str, *, is_in_code: bool = False, flags: int = 0) -> Form:
    return Form(
        name,
        re.compile(rf"\b(?:{asked})\b", re.IGNORECASE),
        re.compile(seen, flags | re.MULTILINE),
        is_in_code,
    )


FORMS: Final = (
    _form("emoji", r"emojis?|emoticons?|smileys?", _EMOJI),
    _form("an exclamation mark", r"exclamation (?:marks?|points?)", r"!"),
    _form("a question mark", r"question marks?", r"\?"),
    _form("a link", r"links?|urls?|hyperlinks?|web addresses", r"\bhttps?://|\bwww\.\w", flags=re.IGNORECASE),
    _form("a code block", r"code blocks?|code fences?|fenced code", r"^[ \t]*(?:```|~~~)", is_in_code=True),
    _form("a table", r"(?:markdown )?tables?", r"^[ \t]*\|?[ \t]*:?-{3,}:?[ \t]*\|"),
    _form("a list",
          r"bullet(?:ed)? (?:points?|lists?)|bullets|numbered lists?|lists",
          r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S"),
    _form("a heading", r"headings?|markdown headers?", r"^ {0,3}#{1,6}[ \t]+\S"),
    _form("a hashtag", r"hashtags?", r"(?<!\w)#[A-Za-z]\w+"),
    _form("a semicolon", r"semicolons?", r";"),
    _form("an em dash", r"em[- ]dash(?:es)?", r"—"),
    _form("bold text", r"bold(?: text| type)?", r"\*\*\S[^*\n]*\*\*"),
    _form("an HTML tag", r"html(?: tags?)?", r"</?[a-z][a-z0-9]*(?:\s[^<>\n]*)?/?>"),
    _form("a bracket", r"(?:parenthes[ei]s|brackets?)", r"[()\[\]]"),
    _form("a digit", r"digits?|numerals?", r"\d"),
)  # fmt: skip

#: What may be counted, and how.
UNITS: Final[dict[str, re.Pattern[str]]] = {
    "word": re.compile(r"[^\W_](?:[\w'’-]*[^\W_])?"),
    "character": re.compile(r".", re.DOTALL),
    "sentence": re.compile(r"[.!?]+(?=\s|\Z)"),
    "line": re.compile(r"^.*\S.*$", re.MULTILINE),
    "paragraph": re.compile(r"(?:^.*\S.*\n?)+", re.MULTILINE),
    "bullet point": re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE),
}


def has_form(text: str, form: Form) -> bool:
    """Whether a text has a form."""
    return form.seen.search(text if form.is_in_code else _CODE.sub(" ", text)) is not None


def count(text: str, unit: str) -> int:
    """How many of a unit a text has."""
    return sum(1 for _ in UNITS[unit].finditer(text))

"""What of an ask is quoted, code or an aside, and is therefore never looked into.

The masked text has the length of the ask and the same line breaks; every protected character is `HIDDEN`.
Whatever finds a place to split looks at the masked text, so a place inside of a quotation cannot be found.
Each pass goes over the text once, whatever stands in it.
"""

from __future__ import annotations

import collections
import re
from dataclasses import dataclass
from typing import Final, Self

#: Stands for a protected character. Private use (Unicode 15.0, section 23.5): no honest text holds it.
HIDDEN: Final = "\ue000"

_PLAIN: Final = re.compile(r"[\s,;:–—]*(.*?)(?:[\s,;:–—]|\band(?=\s*\Z)|(?<!\.)\.(?=\s*\Z))*", re.DOTALL)
_FENCE: Final = re.compile(r"^[ \t]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(`{3,}|~{3,})")
_FENCE_END: Final = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*$")
_LIST_LINE: Final = re.compile(r"^[ \t]*(?:[-*+•]|\(?\w{1,3}[.)])[ \t]+\S")
_QUOTED_LINE: Final = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_TAG: Final = re.compile(r"<(/?)([A-Za-z][\w.-]{0,40})(?:\s[^<>]{0,500})?>")
_TICKS: Final = re.compile(r"`+|\n[ \t]*\n")
_QUOTES: Final = re.compile(
    r"“(?:[^”\n]|\n(?![ \t]*\n))*(?:”|\Z|(?=\n))"
    r"|„(?:[^“”\n]|\n(?![ \t]*\n))*(?:[“”]|\Z|(?=\n))"
    r"|«(?:[^»\n]|\n(?![ \t]*\n))*(?:»|\Z|(?=\n))"
    r"|(?<!\w)‘(?:[^‘’\n]|(?<=\w)’(?=\w)|\n(?![ \t]*\n))*’"
    r"|(?<!\d)\"(?:[^\"\n]|\n(?![ \t]*\n))*(?:\"|\Z|(?=\n))"
    r"|(?<![\w'])'(?=\S)(?:[^'\n]|(?<=\w)'(?=\w)|\n(?![ \t]*\n))*'(?!\w)"
)
_BRACKETS: Final = re.compile(r"[()\[\]{}]|\n[ \t]*\n")
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_ENUMERATOR: Final = re.compile(r"[\w ]{1,2}")
_ADDRESS: Final = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://\S*[^\s.,;:!?]|\bwww\.\S*[^\s.,;:!?]", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of an ask, as it was written and as it may be looked at."""

    text: str
    masked: str

    @classmethod
    def of(cls, text: str) -> Self:
        """A text and its mask."""
        return cls(text, mask(text))

    def __getitem__(self, span: slice) -> Words:
        return Words(self.text[span], self.masked[span])

    def __add__(self, other: Words) -> Words:
        return Words(self.text + other.text, self.masked + other.masked)

    def plain(self) -> Words:
        """Without the space and the commas around it, and without a full stop at its end."""
        found = _PLAIN.fullmatch(self.masked)
        return self[found.start(1) : found.end(1)] if found else self


#: How two pieces are put together.
SPACE: Final = Words(" ", " ")


def mask(ask: str) -> str:
    """The ask with everything protected hidden: code, quotations, asides in brackets, tags, addresses."""
    text = _hide_blocks(ask)
    text = _QUOTED_LINE.sub(lambda found: _hidden(found[0]), text)
    text = _hide(text, _tags(text))
    text = _hide(text, _inline_code(text))
    text = _QUOTES.sub(_hidden_quotation, text)
    text = _hide(text, _brackets(text))
    return _ADDRESS.sub(lambda found: _hidden(found[0]), text)


def is_hidden(text: str) -> bool:
    """Whether a piece of a masked text is protected from its first letter to its last."""
    return bool(text) and text.count(HIDDEN) == len(text)


def _hidden(text: str) -> str:
    return "\n".join(HIDDEN * len(line) for line in text.split("\n"))


def _hidden_quotation(found: re.Match[str]) -> str:
    """A quotation whose last sentence ends inside ends the sentence around it too."""
    hidden = _hidden(found[0])
    return hidden[:-1] + "." if found[0][-2:-1] in {".", "!", "?"} else hidden


def _hide(text: str, spans: list[tuple[int, int]]) -> str:
    """Hide spans that come in order; where two overlap, both."""
    pieces, done = [], 0
    for start, end in spans:
        begin = max(start, done)
        if end > begin:
            pieces += [text[done:begin], _hidden(text[begin:end])]
            done = end
    return "".join([*pieces, text[done:]])


def _hide_blocks(ask: str) -> str:
    """Fenced code, to the end where the fence is not closed (CommonMark 4.5), and indented code (4.4)."""
    lines, fence = [], ""
    is_code = in_list = False
    before_blank = True
    for line in ask.split("\n"):
        opening = _FENCE.match(line)
        if fence:
            closing = _FENCE_END.match(line)
            lines.append(HIDDEN * len(line))
            if closing and closing[1][0] == fence[0] and len(closing[1]) >= len(fence):
                fence = ""
        elif opening:
            fence = opening[1]
            lines.append(line[: opening.start(1)] + HIDDEN * (len(line) - opening.start(1)))
        else:
            is_blank = not line.strip()
            is_indented = line.startswith(("    ", "\t")) and not is_blank
            if not is_indented and not is_blank:
                in_list = bool(_LIST_LINE.match(line))
            is_code = is_indented and not in_list and (before_blank or is_code)
            lines.append(HIDDEN * len(line) if is_code else line)
            before_blank = is_blank
    return "\n".join(lines)


def _tags(text: str) -> list[tuple[int, int]]:
    """From each opening tag to the closing one of its name."""
    opened: dict[str, list[int]] = {}
    spans = []
    for found in _TAG.finditer(text):
        name = found[2]
        if not found[1]:
            opened.setdefault(name, []).append(found.start())
        elif opened.get(name):
            start = opened[name].pop()
            if not opened[name]:
                spans.append((start, found.end()))
    return sorted(spans)


def _inline_code(text: str) -> list[tuple[int, int]]:
    """From a run of backticks to the next run of the same length in the paragraph (CommonMark 6.1)."""
    spans: list[tuple[int, int]] = []
    for runs in _paragraphs_of(_TICKS, text):
        places: dict[int, collections.deque[int]] = {}
        for number, run in enumerate(runs):
            places.setdefault(len(run[0]), collections.deque()).append(number)
        number = 0
        while number < len(runs):
            same = places[len(runs[number][0])]
            while same and same[0] <= number:
                same.popleft()
            if same:
                spans.append((runs[number].start(), runs[same[0]].end()))
                number = same[0]
            number += 1
    return spans


def _brackets(text: str) -> list[tuple[int, int]]:
    """Outermost pairs within a paragraph. ``(1)`` and ``[ ]`` number and tick off; they hide nothing."""
    spans: list[tuple[int, int]] = []
    for found in _paragraphs_of(_BRACKETS, text):
        opened: list[re.Match[str]] = []
        for bracket in found:
            if bracket[0] not in _PAIRS:
                opened.append(bracket)
            elif opened and opened[-1][0] == _PAIRS[bracket[0]]:
                start = opened.pop().start()
                if not _ENUMERATOR.fullmatch(text, start + 1, bracket.start()):
                    spans.append((start, bracket.end()))
    return _outermost(spans)


def _outermost(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _paragraphs_of(mark: re.Pattern[str], text: str) -> list[list[re.Match[str]]]:
    """The marks of a text, paragraph by paragraph; a blank line ends one."""
    paragraphs: list[list[re.Match[str]]] = [[]]
    for found in mark.finditer(text):
        if found[0].startswith("\n"):
            paragraphs.append([])
        else:
            paragraphs[-1].append(found)
    return paragraphs

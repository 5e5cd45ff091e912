"""The blocks of an ask: headings, the items of its lists, and paragraphs, each a span of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

_HEADING: Final = re.compile(r"^ {0,3}(#{1,6})[ \t]+(?=\S)")
_MARKER: Final = (
    r"(?:[-*+•–]|\(?\d{1,3}[.)]|\(?[a-z]\)|\[[ ]?\](?=[ \t])|(?:step|task|part)[ \t]+\d{1,3}[ \t]*[:.)–-])"
)
_ITEM: Final = re.compile(rf"^([ \t]*)({_MARKER})[ \t]+(?:\[[ ]\][ \t]+)?(?=\S)", re.IGNORECASE)
_RULE: Final = re.compile(r"^[ \t]*([-*_])(?:[ \t]*\1){2,}[ \t]*$")
#: Enumerators inside of a line: "(1) research bees, (2) write ...".
_INLINE: Final = re.compile(r"(?:(?<=\s)|(?<=^))\(?(\d{1,2}|[a-h])\)[ \t]+(?=\S)", re.MULTILINE)
_NUMBER: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of an ask between `start` and `end`; its words begin at `body`."""

    kind: Literal["heading", "item", "text"]
    start: int
    body: int
    end: int
    #: of a heading 1 to 6; of an item its indentation, in characters
    level: int = 0
    #: of an item what stands before its words, such as ``-`` or ``Step 2:``
    marker: str = ""

    @property
    def is_numbered(self) -> bool:
        """Whether it is an item with a number."""
        return _NUMBER.search(self.marker) is not None

    @property
    def is_step(self) -> bool:
        """Whether it calls itself a step."""
        return self.marker[:4].lower() == "step"


def read_blocks(masked: str) -> list[Block]:
    """The blocks of a masked ask, in order. Deeper items belong to the item above them."""
    blocks: list[Block] = []
    was_blank = True
    for start, end in _lines(masked):
        line = masked[start:end]
        if not line.strip() or _RULE.match(line):
            was_blank = True
            continue
        block = _block_of(line, start, end)
        last = blocks[-1] if blocks else None
        if last is not None and _continues(last, block, line, was_blank):
            blocks[-1] = Block(last.kind, last.start, last.body, end, last.level, last.marker)
        else:
            blocks.append(block)
        was_blank = False
    return [part for block in blocks for part in _numbered_inline(masked, block)]


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.split("\n"):
        yield start, start + len(line)
        start += len(line) + 1


def _block_of(line: str, start: int, end: int) -> Block:
    heading = _HEADING.match(line)
    if heading:
        return Block("heading", start, start + heading.end(), end, len(heading[1]))
    item = _ITEM.match(line)
    if item:
        return Block("item", start, start + item.end(), end, len(item[1].expandtabs(4)), item[2])
    return Block("text", start, start + len(line) - len(line.lstrip()), end)


def _continues(last: Block, block: Block, line: str, was_blank: bool) -> bool:
    """Whether a line belongs to the block before it."""
    indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
    if last.kind == "item":
        if block.kind == "item":
            return block.level > last.level + 1
        return indent > last.level if was_blank else block.kind == "text"
    return last.kind == "text" and block.kind == "text" and not was_blank


def _numbered_inline(masked: str, block: Block) -> Iterator[Block]:
    """A paragraph that counts its items from 1 within its lines, as its items; any other as it is."""
    marks = list(_INLINE.finditer(masked, block.body, block.end)) if block.kind == "text" else []
    if len(marks) < 2 or [_count(mark[1]) for mark in marks] != list(range(1, len(marks) + 1)):
        yield block
        return
    if masked[block.body : marks[0].start()].strip():
        yield Block("text", block.start, block.body, marks[0].start())
    ends = [mark.start() for mark in marks[1:]] + [block.end]
    for mark, end in zip(marks, ends, strict=True):
        yield Block("item", mark.start(), mark.end(), end, 0, mark[0].strip())


def _count(mark: str) -> int:
    """The number that "3" or "c" stands for."""
    return int(mark) if mark.isdigit() else ord(mark) - ord("a") + 1

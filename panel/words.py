"""Text of unknown origin made fit to be looked at: nothing hidden, nothing that turns a line around. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from markupsafe import Markup, escape

from unseen import UNSEEN

_SPACES: Final = re.compile(r"\s+")
_LINE_CHARS: Final = 240
_CODE: Final = Markup("<code>%s</code>")


def plain(text: str) -> str:
    """The text with every invisible or direction-changing character spelled out."""
    return UNSEEN.sub(_spell, text)


def with_code(text: str) -> Markup:
    """A sentence of Skep's own as markup: what stands in backticks is code, all else as `plain` has it."""
    pieces = plain(text).split("`")
    if len(pieces) % 2 == 0:  # one that nothing closes, as where a sentence is cut
        pieces[-2:] = ["`".join(pieces[-2:])]
    return Markup().join(_CODE % each if at % 2 else escape(each) for at, each in enumerate(pieces))


def as_json(value: Any) -> str:
    """A JSON value as text to be looked at or edited; what `plain` spells out is an escape there."""
    return UNSEEN.sub(_escape, json.dumps(value, indent=2, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def _spell(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else f"\N{MATHEMATICAL LEFT ANGLE BRACKET}U+{code:04X}⟩"


def one_line(text: str, limit: int = _LINE_CHARS) -> str:
    """The beginning of the text in one line, fit to be looked at."""
    line = _SPACES.sub(" ", text[: limit * 4]).strip()
    cut = len(text) > limit * 4 or len(line) > limit
    return plain(line[:limit]) + (" …" if cut else "")


def sentence(text: str) -> str:
    """The text as a sentence of its own: it begins with a capital and ends with a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('. ')}." if text else ""


def last_line(text: str, limit: int = _LINE_CHARS) -> str:
    """The last line of the text that says something."""
    lines = text[-limit * 20 :].strip().splitlines()
    return one_line(lines[-1], limit) if lines else ""


def count_of(number: int, one: str, many: str | None = None) -> str:
    """``1 task``, ``3 tasks``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

"""JSON in a model's answer: the whole of it, or a fence with words before and after. Pure.

Most models put what they were asked to give as JSON into a Markdown fence (CommonMark 0.31, 4.5). Named
outputs and lists read it by this one rule.
"""

from __future__ import annotations

import json
import re
from typing import Final, TypeVar

Kind = TypeVar("Kind", list[object], dict[str, object])

#: A fence with its language. JSON holds no raw line break within a text, so a line of backquotes ends it.
_FENCE: Final = re.compile(r"^ {0,3}```([^\n`]*)\n(.*?)^ {0,3}```[ \t\r]*$", re.DOTALL | re.MULTILINE)
_LANGUAGES: Final = frozenset({"", "json"})


def find(text: str, kind: type[Kind]) -> Kind | None:
    """The list or object that a text is, or else that its last fence of that kind holds; none: neither."""
    fences: list[str] = [body for word, body in _FENCE.findall(text) if word.strip().lower() in _LANGUAGES]
    for candidate in (text, *reversed(fences)):
        try:
            value = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, kind):
            return value
    return None


def is_mark(line: str) -> bool:
    """Whether a line begins or ends a fence, and says nothing itself."""
    return line.lstrip().startswith("```")

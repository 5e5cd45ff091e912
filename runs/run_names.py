"""What a run may be called: one line that says something and shows itself as it is. Pure."""

from __future__ import annotations

import re
from typing import Final

#: Characters of a name.
MOST: Final = 200
#: Control characters, line and paragraph separators, and what turns the direction of text.
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: The same rule for a JSON Schema.
PATTERN: Final = rf"^(?=.*\S)[^{_UNSEEN.pattern[1:-1]}]*$"


def refusal(name: str) -> str | None:
    """Why a name cannot be taken, for a person; none where it can."""
    if not name.strip():
        return "must not be empty"
    if _UNSEEN.search(name):
        return "must be one line without control characters or what turns the direction of text"
    return None


def mended(name: str) -> str | None:
    """A name that could once be given, without what it may not have now; none where nothing is left."""
    return _UNSEEN.sub("", name).strip()[:MOST].strip() or None

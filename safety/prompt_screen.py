"""What no honest prompt holds: the marks by which chat templates tell who speaks, and text nobody can see.

This catches crude attempts to speak in another's name. It does not detect prompt injection; what stops harm
is that a model's words have no authority.
"""

from __future__ import annotations

import re
from typing import Final

_MARKS: Final = re.compile(
    r"<\|\s*(?:im_start|im_end|im_sep|system|user|assistant|endoftext|begin_of_text|end_of_text|eot_id|"
    r"start_header_id|end_header_id)\s*\|>"
    r"|</?\s*system\s*>|\[\s*/?\s*INST\s*\]|<<\s*/?\s*SYS\s*>>",
    re.IGNORECASE,
)
#: Unicode's tag block: shown as nothing, read by models as letters.
_TAGS: Final = re.compile("[\U000e0000-\U000e007f]")


def find(text: str) -> str | None:
    """What is wrong with a text for a model, or none."""
    mark = _MARKS.search(text)
    if mark is not None:
        return f"chat control text {mark[0]!r}; write it differently"
    if _TAGS.search(text):
        return "invisible tag characters; remove them"
    return None


def defused(text: str) -> str:
    """Foreign text that may be shown to a model as data: its marks broken, what cannot be seen taken out."""
    return _MARKS.sub(lambda mark: f"{mark[0][0]}·{mark[0][1:]}", _TAGS.sub("", text))

"""Foreign text made fit to be shown to a model as data.

The marks by which chat templates tell who speaks are broken, and what cannot be seen is taken out, so that
what is quoted cannot speak in another's name. Whether a text may be sent at all is decided by the gateway.
"""

from __future__ import annotations

import re
from typing import Final

_MARKS: Final = re.compile(
    r"<(?=[ ]?[|｜])"
    r"|<(?=[ ]?/?[ ]?(?:system|assistant|user|human|instructions?|sys|im_start|im_end)\b)"
    r"|<(?=[ ]?/?[ ]?(?:start_of_turn|end_of_turn|tool_call|function_call|invoke)\b)"
    r"|\[(?=[ ]?/?[ ]?(?:inst|system|sys)\b)|<(?=<[ ]?/?[ ]?sys)"
    r"|(?<=\n)(?:human|assistant|system|user)(?=:)|#(?=##[ ]?system)",
    re.IGNORECASE,
)
#: Tags, direction overrides and selectors in a row: shown as nothing, or in another order.
_UNSEEN: Final = re.compile(
    "[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069]|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}"
)


def defused(text: str) -> str:
    """The text with its marks broken and what cannot be seen taken out."""
    return _MARKS.sub(lambda mark: f"{mark[0]}·", _UNSEEN.sub("", text))

"""Whether a request asks for a thing to be done, so that a command may do it, or only speaks of it.

A command is run only where nothing speaks against it. A request that forbids something, asks who or why,
wants an explanation or something else instead may share every word with a tool; a model reads those. Some
that do ask for it are held back as well: they cost a model call, the other mistake runs what nobody wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_NEGATED: Final = re.compile(
    r"\b(?:not|never|no longer|cannot|without|instead|rather than|avoid|refrain|stop|except|unless|nor"
    r"|neither|dont|cant|wont|(?:do|does|did|is|are|was|were|wo|would|ca|could|should|must|need|has|have"
    r"|had|ai)n['\u2019]?t)\b",
    re.IGNORECASE,
)
#: How a request begins that wants words about a thing.
_SPEAKS: Final = re.compile(
    r"\W*(?:(?:please|kindly|hey|hi|hello|now|so|ok|okay|can you|could you|would you|will you)[\s,]+)*"
    r"(?:explain|describe|discuss|compare|teach|guess|imagine|suppose|pretend|summari[sz]e how|write|draft"
    r"|tell me(?: how| why| what| about| a)|show me how|help me understand|who|whose|why|when|whether"
    r"|should|would|might|if|is it|are there|does|do (?:i|we|you)"
    r"|how (?:to|do|does|did|can|could|would|should|might|come)"
    r"|what (?:if|does|would|happens|happened|is the difference))\b",
    re.IGNORECASE,
)


def speaks_against(request: str, examples: Iterable[str]) -> str:
    """Why no command may answer a request, in a few words; empty where one may.

    What the tool's own examples say is asked for when a request says it so.
    """
    said = tuple(examples)
    negated = _NEGATED.search(request)
    if negated is not None and not any(_NEGATED.search(each) for each in said):
        return f"the prompt says {negated[0].lower()!r}"
    spoken = _SPEAKS.match(request)
    if spoken is not None and not any(_SPEAKS.match(each) for each in said):
        return f"the prompt asks about it: {' '.join(spoken[0].lower().split())!r}"
    return ""

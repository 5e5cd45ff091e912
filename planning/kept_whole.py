"""Whether the words of an ask want it to stay one piece of work.

"Do not split this" does; "do not split hairs", or a report into chapters, is about something else. So a
wish counts where what is not to be divided is the ask itself, or nothing that is named, and the clause says
no more than into what.
"""

from __future__ import annotations

import functools
import re
from typing import Final

_ASK: Final = (
    r"(?:this|it|that|everything|any of (?:this|it)"
    r"|(?:the|this|my) (?:whole )?(?:task|ask|work|job|request|prompt))"
)
_PIECES: Final = (
    r"(?:(?:any|several|many|multiple|smaller|separate|single|two|three|more)\s+)*"
    r"(?:sub-?\s?)?(?:tasks?|parts?|pieces?|steps?|jobs?|prompts?)"
)
#: What may follow: into what, and then the end of the clause.
_TAIL: Final = (
    rf"(?:\s+into\s+{_PIECES})?(?:\s+(?:please|at all|for me))?"
    r"(?=\s*(?:[.,;:!?)\]\u2013\u2014-]|\n|$)|\s+(?:and|but|or|as)\b)"
)
_NOT: Final = r"(?:do not|don['\u2019]?t|never|please not|no need to|not to|needn['\u2019]?t|need not)"
#: To divide; what can also mean to damage needs a word behind it.
_DIVIDE: Final = (
    r"(?:split|splitting|divid(?:e|ing)|subdivid(?:e|ing)|decompos(?:e|ing))"
    rf"(?:\s+{_ASK})?(?:\s+(?:up|down|apart))?"
)
_BREAK: Final = (
    rf"(?:break|breaking|cut|cutting|chop|chopping|carve)(?:\s+{_ASK})?"
    rf"(?:\s+(?:up|down|apart)|(?=\s+into\s+{_PIECES}))"
)
_DIVIDED: Final = r"(?:split(?:\s+up)?|divided|subdivided|decomposed|broken\s+(?:up|down|apart)|cut\s+up)"
_CLAUSE: Final = r"(?:^|(?<=[.,;:!?(\n])|(?<=[.,;:!?(] ))"
_POLITE: Final = r"(?:\s*(?:please|and|but)\b,?)?\s*"
_DO: Final = (
    r"(?:do|write|answer|handle|make|run|treat|keep|process|finish|deliver|produce|complete|solve|give|work)"
)
_AT_ONCE: Final = r"in\s+(?:one|a\s+single)\s+(?:go|piece|pass|run|answer|reply|response)"

_KEPT_WHOLE: Final = (
    rf"\b{_NOT}\s+(?:{_DIVIDE}|{_BREAK}){_TAIL}"
    r"|\b(?:do not|don['\u2019]?t)\s+want\s+(?:to\s+(?:see|have)\s+)?"
    rf"{_ASK}(?:\s+to\s+be)?\s+{_DIVIDED}{_TAIL}"
    rf"|{_CLAUSE}{_POLITE}(?:{_DO}\s+(?:{_ASK}|all)\s+)?without\s+(?:{_DIVIDE}|{_BREAK}){_TAIL}"
    rf"|\bwithout\s+(?:splitting|subdividing|decomposing)\s+{_ASK}{_TAIL}"
    rf"|\b{_ASK}\s+(?:must|should|may|is|shall|can)(?:\s+not|n['\u2019]?t)(?:\s+to)?\s+be\s+{_DIVIDED}{_TAIL}"
    rf"|{_CLAUSE}{_POLITE}no\s+(?:sub-?\s?tasks|splitting|subdivision|decomposition)\b"
    r"|\bwithout\s+(?:any\s+)?sub-?\s?tasks\b"
    rf"|\bkeep\s+{_ASK}\s+(?:(?:all\s+)?in\s+one\s+(?:piece|task|go)|as\s+one|whole|undivided|together)"
    rf"{_TAIL}"
    rf"|{_CLAUSE}{_POLITE}{_DO}\s+(?:{_ASK}|all(?:\s+of\s+(?:this|it))?)\s+{_AT_ONCE}{_TAIL}"
    rf"|{_CLAUSE}{_POLITE}(?:all\s+)?{_AT_ONCE}\b{_TAIL}"
    rf"|{_CLAUSE}{_POLITE}(?:i\s+)?(?:only\s+)?(?:want|need|give\s+me)\s+(?:just\s+|only\s+)?(?:one|a\s+single)"
    r"\s+(?:answer|reply|response),?\s+not\s+(?:several|many|two|more|multiple)\b"
    rf"|{_CLAUSE}{_POLITE}skip\s+(?:the\s+|any\s+)?(?:decomposition|splitting|sub-?\s?tasks){_TAIL}"
    r"|\bas\s+(?:one|a\s+single)\s+(?:task|answer)\b"
)


#: A denial in the clause before the words turns them around.
_DENIED: Final = re.compile(r"(?:\b(?:not|never|avoid|cannot)|n['\u2019]t)\b[^.,;:!?\n]*\Z", re.IGNORECASE)
#: characters before the words in which it is looked for
_CLAUSE_CHARS: Final = 200

#: One of these is in every such wish.
_NEEDLES: Final = ("split", "divi", "decompos", "break", "broken", "cut", "chop", "carv", "in one", "as one",
                   "single", "sub", "keep",
                   "one answer", "one reply", "one response")  # fmt: skip


def kept_whole(ask: str) -> str | None:
    """The words by which an ask wants to stay one; none where it says nothing of it."""
    lowered = ask.lower()
    if not any(needle in lowered for needle in _NEEDLES):
        return None
    for found in _pattern().finditer(ask):
        if not _DENIED.search(ask[max(0, found.start() - _CLAUSE_CHARS) : found.start()]):
            return " ".join(found[0].split())
    return None


@functools.cache
def _pattern() -> re.Pattern[str]:
    """Compiled where it is first looked for: it takes a tenth of what importing the worker does."""
    return re.compile(_KEPT_WHOLE, re.IGNORECASE)

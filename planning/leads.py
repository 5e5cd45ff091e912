"""What a sentence says before its imperative: "Once you have the data, ...", "Before writing it, ...".

Such words put the sentence in its place among the others. Where they name a piece of work themselves
("After researching bees, write ..."), that is a step too, unless it was asked for before.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from planning.imperatives import has_object, read_head, read_order
from planning.lexicon import ACTIONS
from planning.masking import Words

#: follows: after everything said before. first: what is implied comes before the sentence, last: after it.
Place = Literal["follows", "first", "last"]

_CLAUSE: Final = r"[^,.;:!?\n]{0,160},\s+"
_ONCE: Final = re.compile(
    rf"(?:(?:once|after|as\s+soon\s+as)\b(?!\s+(?:you\s+)?(?:[a-z]+ing)\b)"
    rf"|when\s+(?:(?:that|this|it|all|everything|these|those|both)\s+(?:of\s+\w+\s+)?(?:is|are|has|have)\b"
    rf"|you\s*(?:are|['’]re|have|['’]ve)\s+(?:done|finished|completed|ready|everything)\b)){_CLAUSE}",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    r"(?P<when>before|after|once)\s+(?:you\s+)?(?P<verb>[a-z]+)(?=[^,.;:!?\n]{2,160},\s+)", re.IGNORECASE
)
_TO_COMMA: Final = re.compile(r"[^,]*,\s+")
_DOUBLED: Final = frozenset({"cut", "map", "plan", "plot", "tag"})


@dataclass(frozen=True, slots=True)
class Lead:
    """The words before an imperative that put it in order."""

    place: Place
    #: where the imperative's own sentence begins
    end: int
    #: the work that the words name, as an imperative; none where they name none
    implied: Words | None = None
    action: str = ""
    #: the word that was put another way
    said: Words | None = None


def read_lead(sentence: Words, known: Collection[str]) -> Lead | None:
    """The lead of a sentence after which an imperative stands; `known` are the verbs asked for before."""
    masked = sentence.masked
    if read_order(masked, 0, len(masked))[0] is not None:
        return None
    named = _NAMED.match(masked)
    comma = _TO_COMMA.match(masked, named.end("verb")) if named else None
    if named and comma and _asks(masked, comma.end()):
        verb = _verb_of(named["verb"].lower())
        if verb in known or not verb or not has_object(masked, named.start("verb"), comma.end()):
            is_after = named["when"].lower() != "before"
            return Lead("follows", comma.end()) if is_after else None
        rest = sentence[named.end("verb") : comma.end()].plain()
        implied = Words(verb, verb) + Words(" ", " ") + rest
        said = sentence[named.start("verb") : named.end("verb")]
        place: Place = "last" if named["when"].lower() == "before" else "first"
        return Lead(place, comma.end(), implied, verb, said)
    once = _ONCE.match(masked)
    return Lead("follows", once.end()) if once and _asks(masked, once.end()) else None


def _asks(masked: str, start: int) -> bool:
    return bool(read_head(masked, start, len(masked)).action)


def _verb_of(word: str) -> str:
    """The verb of `ACTIONS` that a word is, or is the gerund of; else empty."""
    return word if word in ACTIONS else _GERUNDS.get(word, "")


def _gerund(verb: str) -> str:
    if verb in _DOUBLED:
        return f"{verb}{verb[-1]}ing"
    return f"{verb.removesuffix('e')}ing"


_GERUNDS: Final = {_gerund(verb): verb for verb in ACTIONS}

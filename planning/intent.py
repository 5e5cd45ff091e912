"""What a person wants: the goal, what is to come of it, and what holds for all of it.

Read from the words of an ask once, when it is split, and put in front of everything that is sent for its
parts, so that no part drifts away from the whole. Every entry is a sentence of the ask, cut where it is long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

from planning.blocks import Block, read_blocks
from planning.imperatives import is_rule, read_head
from planning.masking import Words
from planning.material import is_label
from planning.sentences import read_sentences

MOST_ENTRIES: Final = 20
MOST_CHARS: Final = 300  # of an entry

Kind = Literal["constraint", "must_not", "acceptance"]

_ACCEPTANCE: Final = re.compile(
    r"\b(?:acceptance|accept(?:ed|able)? (?:when|if|once|only)|(?:is|counts as|are) done (?:when|if|once)"
    r"|definition of done|success means|success criteria)\b",
    re.IGNORECASE,
)
_MUST_NOT: Final = re.compile(
    r"\b(?:(?:do|does|must|should|may|shall) not|(?:do|does|must|should)n['’]?t|never|cannot|can['’]?t|avoid"
    r"|without|leave out|exclude|refrain)\b|^no (?!more|longer|fewer|less|later)\w",
    re.IGNORECASE,
)
_CONSTRAINT: Final = re.compile(
    r"\b(?:must|should|(?:has|have|needs?) to|only|always|at (?:most|least)"
    r"|(?:no|not) (?:more|longer|fewer|less|later) than|exactly|required?|requires|ensure"
    r"|make sure|up to \d+|within|limit(?:ed)? to)\b",
    re.IGNORECASE,
)
_GOAL: Final = re.compile(
    r"(?:the\s+)?(?:overall\s+)?(?:goal|aim|objective|purpose)(?:\s+is)?\s*:?\s+", re.IGNORECASE
)
_NAME_WORD: Final = re.compile(r"[a-z][a-z'’-]*", re.IGNORECASE)
_ACCEPTANCE_NAMES: Final = frozenset({"acceptance", "criteria"})
_LISTS: Final = (
    ("deliverables", "Deliverables of the whole"),
    ("constraints", "Constraints"),
    ("must_nots", "Must not"),
    ("acceptance", "Accepted when"),
)


@dataclass(frozen=True, slots=True)
class Intent:
    """What an ask is for."""

    goal: str
    deliverables: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    must_nots: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    #: of all these, what a model added and the words do not say
    added: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The intent as it is stored and told."""
        told = {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }
        if not self.added:
            del told["added"]
        return told

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Self:
        """The intent that `as_json` told; what is missing is empty."""
        names = (*(name for name, _ in _LISTS), "added")
        lists = {name: tuple(map(str, told.get(name) or ())) for name in names}
        return cls(goal=str(told.get("goal") or ""), **lists)

    def block(self) -> str:
        """The intent as it stands at the head of a prompt, between two marks and a line an entry."""
        lines = ["=== INTENT of the whole task: keep to it ===", f"Goal: {self.goal}"]
        for name, title in _LISTS:
            entries: Sequence[str] = getattr(self, name)
            if entries:
                lines += [f"{title}:", *(f"- {entry}" for entry in entries)]
        return "\n".join([*lines, "=== END OF INTENT ==="])


@dataclass(frozen=True, slots=True)
class _Sentence:
    """One sentence of an ask."""

    words: Words
    is_action: bool
    kind: Kind | None


def extract(ask: str, deliverables: Iterable[str] = ()) -> Intent:
    """The intent of an ask. `deliverables` are its parts where they are known, else its imperatives."""
    sentences = list(_read(Words.of(ask)))
    texts = {
        kind: _entries(each.words.text for each in sentences if each.kind == kind)
        for kind in ("constraint", "must_not", "acceptance")
    }
    known = list(deliverables) or [each.words.text for each in sentences if each.is_action]
    return Intent(
        _goal(sentences), _entries(known), texts["constraint"], texts["must_not"], texts["acceptance"]
    )


def _read(ask: Words) -> Iterator[_Sentence]:
    """The sentences of an ask, up to a text that is handed over with it."""
    blocks = read_blocks(ask.masked)
    section: Kind | None = None
    for place, block in enumerate(blocks):
        if is_label(ask.masked, blocks, place) and _section(_names(ask.masked, block)) is None:
            return
        if block.kind == "heading" or ask.masked[block.body : block.end].rstrip().endswith(":"):
            section = _section(_names(ask.masked, block))
        if block.kind != "heading":
            for start, end in read_sentences(ask.masked, block.body, block.end):
                yield _judge(ask[start:end], section if block.kind == "item" else None)


def _names(masked: str, block: Block) -> set[str]:
    return {found[0].lower() for found in _NAME_WORD.finditer(masked, block.body, block.end)}


def _section(names: set[str]) -> Kind | None:
    """What the items under a heading or introduction are."""
    if names & _ACCEPTANCE_NAMES or {"definition", "done"} <= names:
        return "acceptance"
    return "constraint" if names & {"constraints", "requirements", "restrictions", "rules"} else None


def _judge(words: Words, section: Kind | None) -> _Sentence:
    masked = words.masked
    is_action = bool(read_head(masked, 0, len(masked)).action)
    kind = section
    if section != "acceptance" and _ACCEPTANCE.search(masked):
        kind = "acceptance"
    elif section != "acceptance" and _MUST_NOT.search(masked):
        kind = "must_not"
    elif section is None and (_CONSTRAINT.search(masked) or is_rule(masked, 0, len(masked))):
        kind = "constraint"
    return _Sentence(words, is_action, kind)


def _goal(sentences: Sequence[_Sentence]) -> str:
    """What is called the goal, else the first thing asked for, else the first sentence."""
    named = [each.words.text for each in sentences if _GOAL.match(each.words.masked)]
    actions = [each.words.text for each in sentences if each.is_action]
    first = [*named, *actions, *(each.words.text for each in sentences)]
    return entry_of(first[0]) if first else ""


def _entries(texts: Iterable[str]) -> tuple[str, ...]:
    """Each text once, in one line, and not too many of them."""
    return tuple(dict.fromkeys(filter(None, map(entry_of, texts))))[:MOST_ENTRIES]


def entry_of(text: str) -> str:
    """A text as an entry: in one line, and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARS else f"{line[: MOST_CHARS - 3]}..."

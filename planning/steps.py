"""The steps that running text asks for, one after another, and what it says beside them.

A sentence is an imperative and becomes steps; or it speaks of the step before it ("Keep it short.") and goes
with that; or it holds for everything and is shared. What might be an ask and cannot be read as one raises
`Unsure`, and then nothing is split.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from planning.clauses import Clause, has_action, read_clauses
from planning.imperatives import Order, is_negated, is_rule
from planning.masking import Words
from planning.sentences import read_sentences
from planning.spreading import fan_out_ahead, has_each, spread

#: What is longer is no list of things to do, and reading it would take long.
MOST_STEPS: Final = 200
MOST_SENTENCE_CHARS: Final = 2_000

_CONDITION: Final = re.compile(
    r"(?:if|when|whenever|unless|otherwise|else|in case|should|while|until|before|once|depending)\b",
    re.IGNORECASE,
)
_COLON: Final = re.compile(r":(?=\s|\Z)")
_OF_THE_LAST: Final = re.compile(
    r"(?:it|this|that|they|these|those|each|both|make (?:it|them)|keep (?:it|them))\b", re.IGNORECASE
)


class Unsure(Exception):
    """The words may ask for something that cannot be told apart from the rest; `args` says what."""


@dataclass(slots=True)
class Step:
    """One imperative."""

    words: Words
    #: the verb, in small letters; empty where none was recognised
    action: str = ""
    order: Order | None = None
    #: steps of one number are one stage of one sentence: what comes next comes after all of them
    stage: int = 0
    #: whether it begins a sentence, so that "then" means after everything said before
    is_opening: bool = True
    #: steps of one number were asked for by one clause
    group: int = 0
    #: what was said of it in sentences of their own
    remarks: list[Words] = field(default_factory=list)

    @property
    def whole(self) -> Words:
        """The step with the remarks about it."""
        whole = self.words
        for remark in self.remarks:
            whole = whole + Words(". ", ". ") + remark
        return whole


class StepReader:
    """Reads text after text of one ask; `steps` and `shared` grow in the order of the words."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.shared: list[Words] = []
        #: what steps were seen by: steps, deliverables, fan_out
        self.features: set[str] = set()
        self._stage = 0
        self._group = 0

    def read_text(self, ask: Words, start: int, end: int) -> None:
        """Read the sentences between two places. Raises `Unsure`."""
        follows = False
        for begin, stop in read_sentences(ask.masked, start, end):
            follows = self._read_sentence(ask[begin:stop], follows)

    def add(self, things: Sequence[Words], action: str, order: Order | None = None) -> None:
        """Steps that were asked for together and stand by themselves, such as an item of a list."""
        self._stage += 1
        self._append(things, action, order, is_opening=True)

    def share(self, words: Words) -> None:
        """Words that hold for everything."""
        self.shared.append(words)

    def _read_sentence(self, sentence: Words, follows: bool) -> bool:
        """Read one sentence; whether what follows may be a remark about a step."""
        masked, end = sentence.masked, len(sentence.masked)
        if end > MOST_SENTENCE_CHARS:
            raise Unsure(f"a sentence of it has {end:,} characters")
        fanned = fan_out_ahead(sentence)
        if fanned:
            self.features.add("fan_out")
            self.add([each.plain() for each in fanned], "")
            return True
        clauses = read_clauses(masked, 0, end)
        if clauses and _COLON.search(masked):
            raise Unsure(f"what comes after the colon may be a text to work on: {sentence.text[:80]!r}")
        if clauses:
            self._read_clauses(sentence, clauses)
            return True
        if masked.rstrip().endswith("?") or (_CONDITION.match(masked) and has_action(masked, 0, end)):
            raise Unsure(f"it is not clear what this asks for: {sentence.text[:80]!r}")
        if follows and _is_remark(masked):
            for step in self.steps:
                if step.group == self._group:
                    step.remarks.append(sentence.plain())
            return True
        self.shared.append(sentence)
        return False

    def _read_clauses(self, sentence: Words, clauses: Sequence[Clause]) -> None:
        self.features.add("steps")
        self._stage += 1
        is_opening = True
        for clause in _joined(sentence.masked, clauses):
            if clause.order in {"next", "last"} and not is_opening:
                self._stage += 1
            words = sentence[clause.start : clause.end]
            things = spread(words, clause.verb - clause.start, clause.action)
            if len(things) > 1:
                self.features.add(
                    "fan_out" if has_each(words.masked, 0, len(words.masked)) else "deliverables"
                )
            self._append(
                [thing.plain() for thing in things], clause.action, clause.order, is_opening=is_opening
            )
            is_opening = False

    def _append(self, things: Sequence[Words], action: str, order: Order | None, *, is_opening: bool) -> None:
        self._group += 1
        if len(self.steps) + len(things) > MOST_STEPS:
            raise Unsure(f"it asks for more than {MOST_STEPS} things")
        self.steps += [Step(words, action, order, self._stage, is_opening, self._group) for words in things]


def _joined(masked: str, clauses: Sequence[Clause]) -> list[Clause]:
    """Clauses of one stage that end with "for each of ..." are one: each of the things gets all of them."""
    joined: list[Clause] = []
    for clause in clauses:
        if joined and clause.order is None and has_each(masked, clause.start, clause.end):
            last = joined.pop()
            clause = Clause(last.start, last.verb, clause.end, last.action, last.order)  # noqa: PLW2901
        joined.append(clause)
    return joined


def _is_remark(masked: str) -> bool:
    if _OF_THE_LAST.match(masked):
        return True
    return is_rule(masked, 0, len(masked)) and not is_negated(masked, 0, len(masked))

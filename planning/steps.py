"""The steps that running text asks for, one after another, and what it says beside them.

A sentence is an imperative and becomes steps; or it speaks of the step before it ("Keep it short.") and goes
with that; or it holds for everything and is shared. What might be an ask and cannot be read as one raises
`Unsure`, and then nothing is split.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from planning.clauses import Clause, has_action, read_clauses
from planning.imperatives import Order, is_negated, is_rule
from planning.leads import read_lead
from planning.lexicon import UNDERTAKINGS
from planning.listed import read_listed
from planning.lists import is_in_order, is_undertaking, name_kind
from planning.masking import Words
from planning.sentences import read_sentences
from planning.spreading import fan_out_ahead, has_each, has_names, in_turn, is_alike, spread
from planning.step import Step, Unsure

#: What is longer is no list of things to do, and reading it would take long.
MOST_STEPS: Final = 200
MOST_SENTENCE_CHARS: Final = 2_000

_CONDITION: Final = re.compile(
    r"(?:if|when|whenever|unless|otherwise|else|in case|should|while|until|before|once|depending)\b",
    re.IGNORECASE,
)
#: What holds for every clause of its sentence: "As a lawyer, ...", "In Python, ...".
_CONTEXT: Final = re.compile(r"(?:as|in|at|under|to)\b[^,.;:!?\n]{1,120},\s+", re.IGNORECASE)
_FIRST: Final = re.compile(r"(?:first(?:ly)?|to begin with)\b", re.IGNORECASE)
_COLON: Final = re.compile(r":(?=\s|\Z)")
_OF_THE_LAST: Final = re.compile(
    r"(?:it|this|that|they|these|those|each|both|make (?:it|them)|keep (?:it|them))\b", re.IGNORECASE
)


class StepReader:
    """Reads text after text of one ask; `steps` and `shared` grow in the order of the words."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.shared: list[Words] = []
        #: words that put what follows another way, and have done their work
        self.said: list[Words] = []
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
        if self._read_spread(sentence) or self._read_led(sentence):
            return True
        if self._read_announced(sentence):
            return True
        self._share_undertaking(masked)
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

    def _read_spread(self, sentence: Words) -> bool:
        """Read a sentence that lists, before or after its imperative, what it is asked for."""
        fanned = fan_out_ahead(sentence)
        listed = None if fanned else read_listed(sentence)
        if listed is not None:
            self.said.append(listed.announced)
            self.features.add(listed.feature)
            self.add([each.plain() for each in listed.things], listed.action, listed.order)
        elif fanned:
            self.said.append(sentence[: sentence.masked.find(":") + 1])
            self.features.add("fan_out")
            self.add([each.plain() for each in fanned], "")
        return bool(fanned) or listed is not None

    def _share_undertaking(self, masked: str) -> None:
        """What was asked for first holds for all, where "First ..." begins to tell its steps."""
        is_start = len(self.steps) == 1 and self.steps[0].action in UNDERTAKINGS and self.steps[0].is_opening
        if is_start and _FIRST.match(masked):
            self.shared.append(self.steps.pop().whole)

    def _read_announced(self, sentence: Words) -> bool:
        """Read a sentence that only announces what stands behind its colon: "Do the following: ..."."""
        colon = _COLON.search(sentence.masked)
        if colon is None:
            return False
        told, rest = sentence[: colon.end()], sentence[colon.end() :]
        masked = rest.masked
        clauses = read_clauses(masked, begin := len(masked) - len(masked.lstrip()), len(masked))
        is_plain = name_kind(told.masked) == "work"
        if len(clauses) < 2 or begin == len(masked) or not (is_plain or is_undertaking(told.masked)):
            return False
        (self.said if is_plain else self.shared).append(told)
        if is_in_order(told.masked):
            clauses = [clauses[0], *(replace(each, order=each.order or "next") for each in clauses[1:])]
        self._read_clauses(rest, clauses)
        return True

    def _read_led(self, sentence: Words) -> bool:
        """Read a sentence whose first words put it in its place. Raises `Unsure`."""
        lead = read_lead(sentence, {step.action for step in self.steps} - {""})
        if lead is None:
            return False
        rest = sentence[lead.end :]
        clauses = read_clauses(rest.masked, 0, len(rest.masked))
        if _COLON.search(sentence.masked) or not clauses:
            raise Unsure(f"it is not clear what this asks for: {sentence.text[:80]!r}")
        if lead.implied is None:
            first = Clause(
                0, lead.end + clauses[0].verb, lead.end + clauses[0].end, clauses[0].action, "next"
            )
            later = [replace(each, start=lead.end + each.start, verb=lead.end + each.verb,
                             end=lead.end + each.end) for each in clauses[1:]]  # fmt: skip
            self._read_clauses(sentence, [first, *later])
            return True
        if lead.said is not None:
            self.said.append(lead.said)
        whole = [Clause(0, 0, len(lead.implied.text), lead.action, None)]
        if lead.place == "first":
            self._read_clauses(lead.implied, whole)
            self._read_clauses(rest, [replace(clauses[0], order="next"), *clauses[1:]])
        else:
            self._read_clauses(rest, clauses)
            self._read_clauses(lead.implied, [replace(whole[0], order="next")])
        return True

    def _read_clauses(self, sentence: Words, clauses: Sequence[Clause]) -> None:
        self.features.add("steps")
        self._stage += 1
        is_opening = True
        for clause in self._shared_lead(sentence, _joined(sentence.masked, clauses)):
            if clause.order in {"next", "last"} and not is_opening:
                self._stage += 1
            words = sentence[clause.start : clause.end]
            things = spread(words, clause.verb - clause.start, clause.action)
            if len(things) > 1:
                self.features.add(
                    "fan_out" if has_each(words.masked, 0, len(words.masked)) else "deliverables"
                )
            if len(things) == 1:
                *earlier, words = in_turn(words, clause.verb - clause.start, clause.action)
                for each in earlier:
                    self._append([each.plain()], clause.action, clause.order, is_opening=is_opening)
                    clause = replace(clause, order="next")  # noqa: PLW2901
                    self._stage, is_opening = self._stage + 1, False
                things = [words]
            plain = [thing.plain() for thing in things]
            for together in [plain] if is_alike(things) else [[thing] for thing in plain]:
                self._append(together, clause.action, clause.order, is_opening=is_opening)
            if clause.order == "earlier":
                self._move_before(len(plain))
            is_opening = False

    def _shared_lead(self, sentence: Words, clauses: Sequence[Clause]) -> Sequence[Clause]:
        """Of several clauses, what stands before the first and holds for all of them is shared."""
        found = _CONTEXT.match(sentence.masked, clauses[0].start, clauses[0].verb)
        if len(clauses) < 2 or found is None:
            return clauses
        self.shared.append(sentence[found.start() : found.end()])
        return [replace(clauses[0], start=found.end()), *clauses[1:]]

    def _move_before(self, count: int) -> None:
        """Put the last `count` steps before the stage they were said to come before."""
        new, old = self.steps[-count:], self.steps[:-count]
        before = [step for step in old if step.stage < self._stage_before(old)]
        stage = old[len(before) :]
        if not stage:
            return
        for step in new:
            step.stage, step.order, step.is_opening = stage[0].stage, stage[0].order, stage[0].is_opening
        self._stage += 1
        for step in stage:
            step.stage, step.order, step.is_opening = self._stage, "next", False
        for step in new:
            step.stage = self._stage - 1
        self.steps = [*before, *new, *stage]

    def _stage_before(self, steps: Sequence[Step]) -> int:
        return steps[-1].stage if steps else 0

    def _append(self, things: Sequence[Words], action: str, order: Order | None, *, is_opening: bool) -> None:
        self._group += 1
        if len(self.steps) + len(things) > MOST_STEPS:
            raise Unsure(f"it asks for more than {MOST_STEPS} things")
        self.steps += [Step(words, action, order, self._stage, is_opening, self._group) for words in things]


def _joined(masked: str, clauses: Sequence[Clause]) -> list[Clause]:
    """Clauses of one stage that end with "for each of ..." are one: each of the things gets all of them."""
    joined: list[Clause] = []
    for clause in clauses:
        if joined and clause.order is None and has_names(masked, clause.start, clause.end):
            last = joined.pop()
            clause = Clause(last.start, last.verb, clause.end, last.action, last.order)  # noqa: PLW2901
        joined.append(clause)
    return joined


def _is_remark(masked: str) -> bool:
    if _OF_THE_LAST.match(masked):
        return True
    return is_rule(masked, 0, len(masked)) and not is_negated(masked, 0, len(masked))

"""What the parts of a split task are told of the whole, and the step that puts their answers together."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from context.context_builder import NO_SURROUNDINGS, Surroundings
from context.envelope import Source
from errors import NotFound
from planning import synthesis
from planning.answers import shorten
from planning.intent import Intent
from store import ending, planning
from store.reading import Reader
from store.records import Claim, task_of

logger = logging.getLogger(__name__)

_NO_ANSWER: Final = "(no answer was recorded)"


class PartPrompts:
    """Tells the parts of one home's tasks.

    Parameters:
        reader: the store.
        read_output: a stored output by its hash.
        answer_chars: characters of the answers that a prompt is given.
    """

    def __init__(self, reader: Reader, read_output: Callable[[str], bytes], answer_chars: int) -> None:
        self._reader = reader
        self._read_output = read_output
        self._answer_chars = answer_chars

    def surroundings(self, claim: Claim) -> Surroundings:
        """What is put around the prompt of a part, or of the step that puts the parts together."""
        if not claim.is_planned and claim.plan_parent is None:
            return NO_SURROUNDINGS
        told = planning.whole_intent(self._reader, claim)
        intent = "" if told is None else Intent.from_json(told).block()
        answers = self._answers(self._needed(claim))
        return Surroundings(intent, answers, synthesis.INSTRUCTION if claim.is_planned else "")

    def synthesis_budget(self, claim: Claim) -> float | None:
        """Dollars that are left for putting the answers together; none where there is no bound."""
        most = claim.task.max_budget_micros
        if most is None:
            return None
        parts = self._reader.all("subtasks_of", parent=claim.id)
        given = sum(task_of(row["doc"], row["id"]).max_budget_micros or 0 for row in parts)
        return max(0, most - given) / 1_000_000

    def _needed(self, claim: Claim) -> list[sqlite3.Row]:
        """The parts whose answers a task builds on: its own, or those it waited for; its parents' too."""
        reader = self._reader
        found = list(reader.all("subtasks_of", parent=claim.id)) if claim.is_planned else []
        seq, parent = claim.seq, claim.plan_parent
        while parent is not None:
            waited = reader.all("parents_of", child=seq)
            rows = [reader.task(each["id"]) for each in waited if each["plan_parent"] == parent]
            found += [row for row in rows if row is not None]
            above = reader.task(parent)
            if above is None:
                break
            seq, parent = above["seq"], above["plan_parent"]
        return sorted(found, key=lambda row: row["seq"])

    def _answers(self, rows: Sequence[sqlite3.Row]) -> tuple[Source, ...]:
        texts = shorten([self._answer(row) for row in rows], self._answer_chars)
        return tuple(Source(row["id"], text) for row, text in zip(rows, texts, strict=True))

    def _answer(self, row: sqlite3.Row) -> str:
        result = ending.read_result(row)
        try:
            if result.get("output_ref"):
                return self._read_output(result["output_ref"]).decode("utf-8", errors="replace")
        except (NotFound, OSError) as error:
            logger.warning("the answer of %s cannot be read: %s", row["id"], error)
        return str(result.get("output") or result.get("result") or _NO_ANSWER)

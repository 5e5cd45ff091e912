"""Tasks that were proposed for the queue: shown to a person whole, and added, never overwriting, on a yes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from store import decisions, intake, planning
from store.lanes import ConcurrencyLimits
from store.records import Intake, NewTask, Question, parse_document
from store.transaction import Transaction

#: The kind of these decisions, and what may be answered.
KIND: Final = "proposal"
OPTIONS: Final = ("add", "drop")


def ask(tx: Transaction, origin: str, documents: Sequence[dict[str, Any]]) -> str:
    """Ask whether tasks are to be added; the decision's id. `origin`: what they were read from, in a line."""
    count = len(documents)
    question = Question(
        kind=KIND,
        question=f"Add {count} {'task' if count == 1 else 'tasks'} to the queue? Read from {origin}. "
        "(skep approve, or skep reject, with the id of this decision)",
        options=OPTIONS,
        payload={"origin": origin, "tasks": list(documents)},
    )
    return decisions.ask(tx, question)


def enter(tx: Transaction, payload: dict[str, Any]) -> list[str]:
    """Add the tasks of a decision; ids that are known by now are left as they are. The ids added."""
    tasks = [NewTask(parse_document(each, each["id"]), each) for each in payload["tasks"]]
    return intake.enter_unknown(tx, Intake(tasks), planning.SOURCE, ConcurrencyLimits())

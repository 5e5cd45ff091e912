"""The tasks that a split becomes: their ids, their words, and what they take over from their parent."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from planning.budgets import SYNTHESIS_WEIGHT, shares_of, weight_of
from planning.decomposition import Split
from runtime_contract import MICROS_PER_DOLLAR, Task, dollars_to_micros
from store.subtasks import OWN_PART

ID_CHARS: Final = 128
#: Fields that a subtask has as its parent has them. What is said of the result as a whole (expect,
#: not_before, a person's review) stays with the parent, whose synthesis makes that result.
TAKEN_OVER: Final = (
    "model", "max_tokens", "temperature", "intensity", "timeout_s", "max_attempts", "effect", "priority",
    "tags", "identity_id", "parallel_safe", "run_id", "plan_model", "plan_review", "reward",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subtasks:
    """What a split becomes."""

    documents: tuple[dict[str, Any], ...]
    #: micro-dollars left to the parent's own step; none where it has no budget
    synthesis_budget: int | None


def id_candidates(parent: str, count: int) -> Iterator[list[str]]:
    """Ids for `count` subtasks, ``<parent>.1`` and on; the next ones for when one of those is taken.

    A long name of the parent is cut, with a hash in place of what is lost, so that every id keeps its bound.
    """
    for attempt in itertools.count(1):
        middle = "" if attempt == 1 else f".plan{attempt}"
        room = ID_CHARS - len(f"{middle}.{count}")
        stem = parent
        if len(parent) > room:
            digest = hashlib.sha256(parent.encode()).hexdigest()[:8]
            stem = f"{parent[: room - len(digest) - 1]}-{digest}"
        yield [f"{stem}{middle}.{number}" for number in range(1, count + 1)]


def make_subtasks(parent: Task, split: Split, ids: Sequence[str], *, may_split: bool) -> Subtasks:
    """The documents of a split's tasks. `may_split`: whether they may be split again."""
    weights = [weight_of(part.text) for part in split.parts] + [SYNTHESIS_WEIGHT]
    most = _shares(parent.max_budget, weights)
    least = _shares(parent.min_budget, weights)
    documents = []
    for number, part in enumerate(split.parts):
        document: dict[str, Any] = {"id": ids[number], "prompt": prompt_of(split.shared, part.text)}
        if part.after:
            document["depends_on"] = [ids[place] for place in part.after]
        document |= _taken_over(parent)
        if most is not None:
            document["max_budget"] = most[number] / MICROS_PER_DOLLAR
        if least is not None:
            bound = least[number] if most is None else min(least[number], most[number])
            document["min_budget"] = bound / MICROS_PER_DOLLAR
        documents.append(document | {"decompose": "auto" if may_split else "never"})
    return Subtasks(tuple(documents), None if most is None else most[-1])


def prompt_of(shared: str, part: str) -> str:
    """The words of a subtask."""
    return f"{shared}\n\n{OWN_PART}\n{part}" if shared else part


def is_divisible(parent: Task, split: Split) -> bool:
    """Whether the budget has at least a micro-dollar for every share; nothing at all can be shared too."""
    if not parent.max_budget_micros:
        return True
    weights = [weight_of(part.text) for part in split.parts] + [SYNTHESIS_WEIGHT]
    return min(shares_of(parent.max_budget_micros, weights)) > 0


def _shares(dollars: float | None, weights: Sequence[int]) -> list[int] | None:
    return None if dollars is None else shares_of(dollars_to_micros(dollars), weights)


def _taken_over(parent: Task) -> dict[str, Any]:
    given: dict[str, Any] = {
        name: getattr(parent, name) for name in TAKEN_OVER if name in parent.model_fields_set
    }
    if parent.review in {"critic", "none"}:
        given["review"] = parent.review
    return {name: value for name, value in given.items() if value is not None}

"""What a model that judges answered, read with suspicion: a verdict of the asked form, or none at all."""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal

import pydantic
from pydantic import ConfigDict, Field, StrictStr

from outcome import CriticVerdict
from redaction import clean
from review.critics import LONGEST_FINDING, MOST_FINDINGS, bare_answer
from review.policy import MODEL

#: Characters of an answer that can hold a verdict.
MOST_CHARS: Final = 100_000
_DECISIONS: Final[dict[str, Literal["APPROVE", "REJECT", "HELD"]]] = {
    "approve": "APPROVE",
    "reject": "REJECT",
    "unsure": "HELD",
}


class NoVerdict(Exception):
    """The answer is no verdict; the words say what is wrong with it."""


class _Answer(pydantic.BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    decision: Literal["approve", "reject", "unsure"]
    confidence: Annotated[float, Field(ge=0, le=1, strict=True)]
    issues: Annotated[list[StrictStr], Field(max_length=100)]


def _said_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it says a thing twice")
    return found


def read_verdict(text: str, least_confidence: float) -> CriticVerdict:
    """The verdict of an answer; one that is less sure than `least_confidence` leaves it to a person.

    Raises `NoVerdict`.
    """
    if len(text) > MOST_CHARS:
        raise NoVerdict(f"its answer has {len(text):,} characters")
    try:
        json.loads(bare_answer(text), object_pairs_hook=_said_once)
        answer = _Answer.model_validate_json(bare_answer(text))
    except (ValueError, RecursionError) as error:
        if not isinstance(error, pydantic.ValidationError):
            raise NoVerdict(f"its answer is not a verdict: {error}") from None
        found = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = "".join(f"{part}: " for part in found["loc"])
        raise NoVerdict(f"its answer is not a verdict: {where}{found['msg']}") from None
    issues = [clean(each)[:LONGEST_FINDING] for each in answer.issues if each.strip()][:MOST_FINDINGS]
    if answer.decision == "reject" and not issues:
        raise NoVerdict("it rejects the result and does not say why")
    decision = _DECISIONS[answer.decision]
    if decision == "APPROVE" and (answer.confidence < least_confidence or issues):
        decision = "HELD"
        doubt = f"it approves with a confidence of {answer.confidence:g} only, under {least_confidence:g}"
        issues = issues or [f"{doubt} (setting: review_critic_confidence)"]
    return CriticVerdict(critic=MODEL, decision=decision, confidence=answer.confidence, issues=issues)

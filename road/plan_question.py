"""The question whether a plan is entered, as a person is asked it: every subtask, whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redaction import clean
from store import plan_review
from store.records import Claim, Question, digest_of_ask

#: Characters of the subtasks that stand in the question itself; all of them are shown beside it.
SHOWN_CHARS: Final = 80


def question(
    claim: Claim, plan: dict[str, Any], documents: Sequence[dict[str, Any]], words: Sequence[str]
) -> Question:
    """Is this plan entered? The decision binds to every byte of the payload.

    Parameters:
        claim: the task.
        plan: intent, score, features and reason.
        documents: its subtasks, as they would be entered.
        words: what each says for itself, without what all of them share.
    """
    shown = "; ".join(
        f"{number}. {text if len(text) <= SHOWN_CHARS else f'{text[:SHOWN_CHARS]}...'}"
        for number, text in enumerate((" ".join(clean(each).split()) for each in words), 1)
    )
    return Question(
        kind=plan_review.KIND,
        question=f"Split {claim.id} into {len(documents)} subtasks? (skep approve {claim.id} enters them, "
        f"skep reject {claim.id} --reason ... lets it run as one; skep show {claim.id} tells every word.) "
        f"{plan['reason']}. They are: {shown}",
        options=plan_review.OPTIONS,
        payload={
            "task": claim.id,
            "asked": digest_of_ask(claim.task),
            "plan": plan,
            "subtasks": list(documents),
        },
    )

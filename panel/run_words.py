"""How a task of a run stands, in one word that every part of the panel uses. Pure."""

from __future__ import annotations

from typing import Final

from run_contract.records import TaskState
from runs import views

#: A task that has answered, and whose answer waits to be judged: for programs it runs until it is.
IN_REVIEW: Final = "in_review"
#: The words there are, in the order in which a task goes through them.
WORDS: Final = tuple(
    word
    for state in TaskState
    for word in ((str(state), IN_REVIEW) if state == TaskState.RUNNING else (str(state),))
)


def word_of(state: str, code: str | None, attempts: int) -> str:
    """The word for a task, by its state and code in the store and the attempts it had."""
    return IN_REVIEW if state == "review" else str(views.state_of(state, code, attempts))

"""How a task of a run stands, in one word that every part of the panel uses. Pure."""

from __future__ import annotations

from typing import Final

from run_contract.records import TaskState
from runs import views
from store.lanes import is_ask

#: A task that has answered, and whose answer waits to be judged: for programs it runs until it is. It has the
#: name that the status of such a task has everywhere else.
PENDING_REVIEW: Final = "pending_review"
#: A question of the run's own, which waits for a person's answer: there is nothing to review.
ASKS: Final = "asks_you"
#: The words there are, in the order in which a task goes through them.
WORDS: Final = tuple(
    word
    for state in TaskState
    for word in ((str(state), PENDING_REVIEW, ASKS) if state == TaskState.RUNNING else (str(state),))
)


def word_of(state: str, code: str | None, attempts: int, lane: str) -> str:
    """The word for a task, by its state, code and lane in the store and the attempts it had."""
    if state == "review":
        return ASKS if is_ask(lane) else PENDING_REVIEW
    return str(views.state_of(state, code, attempts))

"""Questions to a person as steps of a run: what may be answered, and what a yes or a no is. Pure.

A question has choices, or is answered in the person's own words. Where none of the choices is a no, it can be
refused, which fails the step: nobody has to say yes in order to say something.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field, StrictStr

from run_contract.errors import InvalidInput

#: The kind of these decisions.
KIND: Final = "ask"
#: The option of a question without choices: the answer is what the person writes.
ANSWER: Final = "answer"
#: The option that fails the step.
REFUSE: Final = "refuse"
#: The code of a step whose question was refused.
DENIED: Final = "approval_denied"
#: Characters of a question with its references filled in, and of an answer in a person's own words.
MOST_CHARS: Final = 20_000
#: Characters of a question that stand in its title; the whole is decided on.
TITLE_CHARS: Final = 500
#: Choices that are a no in themselves.
_NO: Final = frozenset({"no", "deny"})
#: Words that mean something else where decisions are answered.
_TAKEN: Final = frozenset({ANSWER, REFUSE, "withdrawn", "expired"})

Choice = Annotated[StrictStr, Field(max_length=100, pattern=r"^\S([^\n\r]*\S)?$")]
Choices = Annotated[list[Choice], Field(max_length=20)]
#: What says how a model or a command does a task, and nothing about a person.
_NOT_OF_A_PERSON: Final = (
    "model", "model_role", "max_tokens", "temperature", "budget", "subtree_budget", "context", "expect",
    "effect", "review", "repeat", "outputs", "files", "may_add",
)  # fmt: skip


def check(asks: bool, given: set[str], choices: Sequence[str]) -> None:
    """Raise `ValueError` where a question has what it cannot have, or another task has choices.

    `given`: names of the fields that were given.
    """
    if not asks:
        if "choices" in given:
            raise ValueError("choices are of a question; give ask")
        return
    wrong = next((name for name in _NOT_OF_A_PERSON if name in given), None)
    if wrong is not None:
        raise ValueError(f"a question to a person has no {wrong}")
    words = [choice.casefold() for choice in choices]
    if len(set(words)) < len(words):
        raise ValueError("two choices are the same word")
    taken = next((word for word in words if word in _TAKEN), None)
    if taken is not None:
        raise ValueError(f"the choice {taken!r} means something else here; name it otherwise")


def check_run(is_run: bool, given: set[str]) -> None:
    """Raise `ValueError` where a task that a run does says what a run says itself."""
    wrong = next((name for name in _NOT_OF_A_PERSON if name in given), None)
    if is_run and wrong is not None:
        raise ValueError(f"a task that is done by a run has no {wrong}; its workflow says it")


def options(choices: Sequence[str]) -> tuple[str, ...]:
    """What may be answered."""
    if not choices:
        return (ANSWER, REFUSE)
    return tuple(choices) if any(map(_is_no, choices)) else (*choices, REFUSE)


def yes_and_no(given: Sequence[str]) -> tuple[str, str]:
    """Which of the options a plain yes and a plain no are: the first, and the one that says no."""
    return given[0], next((option for option in given if _is_no(option)), REFUSE)


def _is_no(choice: str) -> bool:
    return choice.casefold() in _NO


def title(task_id: str, text: str) -> str:
    """The question in the words of whoever asks, cut where it is long."""
    line = re.sub(r"\s+", " ", text).strip()
    return f"{task_id} asks: {line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 3] + '...'}"


def check_text(text: str) -> str:
    """A question with its references filled in. Raises `InvalidInput` where it is empty or too long."""
    if not text.strip():
        raise InvalidInput("the question is empty")
    if len(text) > MOST_CHARS:
        raise InvalidInput(f"the question has {len(text):,} characters; {MOST_CHARS:,} can be shown whole")
    return text

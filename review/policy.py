"""Which critics are asked about a result, in which order, and which model: pure.

Cheap ones first: the deterministic critics, then the commands that the task itself names, then a model where
the task or the home asks for one. The first that does not approve ends it; a person comes after all of them.
"""

from __future__ import annotations

import re
from typing import Final

from outcome import Outcome
from runtime_contract import Task

#: The check that a model makes.
MODEL: Final = "model"
_COMMAND: Final = re.compile(r"command:(0|[1-9][0-9]?)")


def checks_for(task: Task, outcome: Outcome, *, asks_model: bool) -> list[str]:
    """Names of the checks that follow the deterministic critics; `asks_model`: as the home's settings say.

    The setting is about answers of models whose task leaves the review open; a task that says ``critic`` has
    its command's output judged too.
    """
    if task.review == "none" or outcome.status != "completed":
        return []
    named = [f"command:{number}" for number, _ in enumerate(task.expect.commands)]
    wants_model = task.review == "critic" or (asks_model and outcome.mode == "llm")
    return [*named, MODEL] if wants_model else named


def number_of(check: str) -> int | None:
    """Which of the task's commands a check runs; none for the model's."""
    found = _COMMAND.fullmatch(check)
    return None if found is None else int(found[1])


def judging_model(author: str | None, configured: str | None, default: str | None) -> str | None:
    """The model that judges: not the author's where another is configured; none: the server's default."""
    others = [name for name in (configured, default) if name and name != author]
    return others[0] if others else configured or default

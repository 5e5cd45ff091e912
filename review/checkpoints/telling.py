"""What a rollback would do or has done, counted and told: the same on the page and in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from review.checkpoints.planning import Step

#: What goes where files are brought back to the state before a task, whoever changed them.
GOES: Final = "What anybody changed in them from then on goes, be it the task or somebody else."


@dataclass(frozen=True, slots=True)
class Tally:
    """The steps of a rollback, counted."""

    #: files that are written or go
    count: int
    #: of these, files that somebody changed after the checkpoint
    newer: int
    #: files that are left as they are, though they differ
    left: int
    #: files that are so already
    same: int


def is_done(step: Step) -> bool:
    """Whether a step writes a file or takes one away."""
    return step.action not in {"same", "leave"}


def tally_of(steps: Sequence[Step]) -> Tally:
    """The steps of a rollback, counted."""
    done = [step for step in steps if is_done(step)]
    left = sum(step.action == "leave" for step in steps)
    return Tally(len(done), len(newer(done)), left, len(steps) - len(done) - left)


def newer(steps: Sequence[Step]) -> list[Step]:
    """The steps that write over, or take away, what somebody changed after the checkpoint."""
    return [step for step in steps if step.is_newer and is_done(step)]


def in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps that are worth a word, by path; first those that cost somebody a later change.

    So a list that is cut for its length shows what a person stands to lose before anything else.
    """
    told = [step for step in steps if step.action != "same"]
    return sorted(told, key=lambda step: (not (step.is_newer and is_done(step)), step.path))


def files(number: int) -> str:
    """``1 file``, ``4,000 files``."""
    return "1 file" if number == 1 else f"{number:,} files"


def goal(task_id: str) -> str:
    """What files are brought back to, where that is the state before a task."""
    return f"the last state that was kept before {task_id}"


def newer_told(number: int) -> str:
    """That files were changed since, and lose it; nothing where none was."""
    if not number:
        return ""
    were = "was" if number == 1 else "were"
    return f"{files(number)} {were} changed since the checkpoint, and would lose that."


def left_told(number: int) -> str:
    """That files stay; nothing where none does."""
    if not number:
        return ""
    return f"{files(number)} {'is left as it is' if number == 1 else 'are left as they are'}."


def joined(*sentences: str) -> str:
    """Sentences one after the other, without the empty ones."""
    return " ".join(each for each in sentences if each)

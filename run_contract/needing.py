"""What is told of a task of a run that needs another which gave no answer: the same on both roads. Pure."""

from __future__ import annotations


def did_not_complete(name: str) -> str:
    """Why a task never starts that needs one which failed or never started; `name`: within the run."""
    return f"it needs {name}, which did not complete"


def was_skipped(name: str) -> str:
    """Why a task never starts that needs one which a condition kept from starting."""
    return f"it needs {name}, which was skipped"

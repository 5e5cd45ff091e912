"""The command line that does what a button does, fit to be copied into a shell. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, Final

from run_contract import asking
from store.answering import YES_AND_NO

#: Stands where a person's own words go.
_WHY: Final = "--reason '...'"


def line(verb: str, task_id: str, *more: str) -> str:
    """``skep VERB ID``; an id that looks like an option is kept from being one."""
    dashes = ["--"] if task_id.startswith("-") else []
    return " ".join(["skep", verb, *more, *dashes, shlex.quote(task_id)])


def of_button(name: str, task: dict[str, Any]) -> str:
    """What does the same as the button of that name about a task; empty where nothing does."""
    decision = task["decision"]
    if name in {"cancel", "retry", "approve"}:
        return line(name, task["id"])
    if name == "reject":
        return line("reject", task["id"], _WHY)
    if name == "fail":
        return line("reject", task["id"], _WHY, "--final")
    if decision and decision["kind"] == asking.KIND:
        return _of_question(name, task["id"], decision["options"])
    yes, no = YES_AND_NO.get(decision["kind"], ("", "")) if decision else ("", "")
    if name == yes:
        return line("approve", task["id"])
    if name == no:
        return line("reject", task["id"], _WHY)
    return line("retry", task["id"]) if name == "again" else ""


def _of_question(name: str, task_id: str, options: Sequence[str]) -> str:
    """The same for a question of a run, whose choices are buttons by their place."""
    if name == asking.ANSWER:
        return line("approve", task_id, "--comment '...'")
    if name == asking.REFUSE:
        return line("reject", task_id, _WHY)
    choice = options[int(name.removeprefix("choice-")) - 1]
    return line("approve", task_id, "--choice", shlex.quote(choice))


def follow(task_id: str) -> str:
    """Follows the output of a task."""
    return line("log", task_id, "-f")


def output(task_id: str, attempt: int) -> str:
    """Prints the output of an attempt."""
    return line("log", task_id, "--attempt", str(attempt))


def compare(task_id: str, old: int, new: int) -> str:
    """Compares two attempts."""
    return line("diff", task_id, "--attempts", str(old), str(new))

"""The command line that does what a button does, fit to be copied into a shell. Pure."""

from __future__ import annotations

import shlex
from typing import Any, Final

from store.answering import YES_AND_NO

#: Stands where a person's own words go.
_WHY: Final = "--reason '...'"


def line(verb: str, task_id: str, *more: str) -> str:
    """``skep VERB ID``; an id that looks like an option is kept from being one."""
    dashes = ["--"] if task_id.startswith("-") else []
    return " ".join(["skep", verb, *more, *dashes, shlex.quote(task_id)])


def of_run(verb: str, *words: str) -> str:
    """``skep run VERB WORDS``; the id of a run never looks like an option."""
    return shlex.join(["skep", "run", verb, *words])


def of_button(name: str, task: dict[str, Any]) -> str:
    """What does the same as the button of that name about a task; empty where nothing does."""
    decision = task["decision"]
    if name in {"cancel", "retry", "approve"}:
        return line(name, task["id"])
    if name == "reject":
        return line("reject", task["id"], _WHY)
    if name == "fail":
        return line("reject", task["id"], _WHY, "--final")
    yes, no = YES_AND_NO.get(decision["kind"], ("", "")) if decision else ("", "")
    if name == yes:
        return line("approve", task["id"])
    if name == no:
        return line("reject", task["id"], _WHY)
    return line("retry", task["id"]) if name == "again" else ""


def follow(task_id: str) -> str:
    """Follows the output of a task."""
    return line("log", task_id, "-f")


def output(task_id: str, attempt: int) -> str:
    """Prints the output of an attempt."""
    return line("log", task_id, "--attempt", str(attempt))


def compare(task_id: str, old: int, new: int) -> str:
    """Compares two attempts."""
    return line("diff", task_id, "--attempts", str(old), str(new))

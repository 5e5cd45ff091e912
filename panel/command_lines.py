"""The command line that does what a button does, fit to be copied into a shell. Pure."""

from __future__ import annotations

import shlex
from typing import Any, Final

from run_contract import asking
from store.answering import FINAL, YES_AND_NO

#: Stands where a person's own words go.
_WHY: Final = "--reason '...'"


def line(verb: str, task_id: str, *more: str) -> str:
    """``skep VERB ID``; an id that looks like an option is kept from being one."""
    dashes = ["--"] if task_id.startswith("-") else []
    return " ".join(["skep", verb, *more, *dashes, shlex.quote(task_id)])


def of_run(verb: str, *words: str) -> str:
    """``skep run VERB WORDS``; the id of a run never looks like an option."""
    return shlex.join(["skep", "run", verb, *words])


def of_answer(decision: dict[str, Any], option: str) -> str:
    """What gives an answer to a decision; `FINAL` rejects a result whatever attempts are left."""
    subject = decision["task_id"] or decision["id"]
    if decision["kind"] == asking.KIND:
        return _of_question(option, subject)
    yes, no = YES_AND_NO[decision["kind"]]
    if option == yes:
        return line("approve", subject)
    if option == no:
        return line("reject", subject, _WHY)
    if option == FINAL:
        return line("reject", subject, _WHY, "--final")
    if option == "again":
        return line("retry", subject)
    return line("approve", subject, "--answer", shlex.quote(option))


def deadline(decision: dict[str, Any], until: str) -> str:
    """What lets a decision wait until then."""
    return line("deadline", decision["task_id"] or decision["id"], "--until", until)


def _of_question(option: str, subject: str) -> str:
    """The same for a question of a run."""
    if option == asking.ANSWER:
        return line("approve", subject, "--comment '...'")
    if option == asking.REFUSE:
        return line("reject", subject, _WHY)
    return line("approve", subject, "--answer", shlex.quote(option))


def follow(task_id: str) -> str:
    """Follows the output of a task."""
    return line("log", task_id, "-f")


def search_output(task_id: str) -> str:
    """Finds a text in the whole output of a task, where a page has only its end."""
    return f"{line('log', task_id)} | grep -iF '...'"


def output(task_id: str, attempt: int) -> str:
    """Prints the output of an attempt."""
    return line("log", task_id, "--attempt", str(attempt))


def compare(task_id: str, old: int, new: int) -> str:
    """Compares two attempts."""
    return line("diff", task_id, "--attempts", str(old), str(new))

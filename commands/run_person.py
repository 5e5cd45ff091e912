"""The person that a run in memory asks: whoever sits at the terminal, or answers that are given before."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Iterator, Sequence

import click

from commands import terminal
from redaction import clean
from run_contract import asking
from run_contract.errors import TaskTimeout
from run_contract.job import Job
from run_contract.records import Run, RunTask
from runs.asking_a_person import Person


def person_at(run: Run, answers: Sequence[str], *, is_made_up: bool) -> Person | None:
    """Who answers the questions of a run; none where it asks none, or answers are made up.

    Raises `UsageError` where nobody is there who could be asked, or an answer is to no question.
    """
    asks = {name: task.choices for name, task in named_tasks(run) if task.choices is not None}
    given = dict(map(_given, answers))
    for name, text in given.items():
        if name not in asks:
            raise click.UsageError(f"--answer: no step {name!r} asks a person.")
        _check(name, text, asking.options(asks[name] or ()))
    is_open = bool(asks.keys() - given.keys())
    if not asks or (is_open and is_made_up and not terminal.is_terminal()):
        return None
    if is_open and not terminal.is_terminal():
        missing = min(asks.keys() - given.keys())
        raise click.UsageError(
            f"The step {missing!r} asks a person: run it on a terminal, give --answer {missing}=TEXT, "
            "or let the daemon do it with `skep run start`."
        )
    return _person(given)


def named_tasks(run: Run) -> Iterator[tuple[str, RunTask]]:
    """The tasks of a run and of those within it, which are named with the task that leads there."""
    left = [*run.tasks.items()]
    while left:
        name, task = left.pop()
        yield name, task
        if task.inner is not None:
            left += [(f"{name}:{each.id}", each) for each in task.inner.tasks]


def name_of(job: Job) -> str:
    """The name of a job's task in the outermost run."""
    return f"{job.run_id}:{job.task_id}".removeprefix(f"{job.top_run or job.run_id}:")


def _given(text: str) -> tuple[str, str]:
    name, equals, answer = text.partition("=")
    if not equals or not answer.strip():
        raise click.UsageError(f"--answer must be ID=TEXT, got {ascii(text)[:60]}.")
    return name, answer


def _check(name: str, text: str, options: Sequence[str]) -> None:
    if asking.ANSWER not in options and text not in options:
        raise click.UsageError(f"--answer: {name} may be answered with one of {', '.join(options)}.")


def _person(given: dict[str, str]) -> Callable[[Job, str], str | None]:
    def answer(job: Job, text: str) -> str | None:
        said = given.get(name_of(job))
        if said is None:
            said = _ask(job, text)
        return None if said == asking.REFUSE else said

    return answer


def _ask(job: Job, text: str) -> str:
    """Ask on the terminal, until one of the options was typed. Raises `TaskTimeout`."""
    options = asking.options(job.choices or ())
    is_free = asking.ANSWER in options
    click.echo(terminal.clean_block(f"\n{name_of(job)} asks:\n{clean(text)}"))
    hint = f"your answer, or {asking.REFUSE}" if is_free else ", ".join(options)
    while True:
        click.echo(f"[{terminal.clean(hint)}] ", nl=False)
        _wait(job)
        said = sys.stdin.readline()
        if not said:
            return asking.REFUSE
        if said.strip() in options or (is_free and said.strip()):
            return said.strip()


def _wait(job: Job) -> None:
    """Wait for a line as long as the question may be answered. Raises `TaskTimeout`."""
    if job.timeout_s and not select.select([sys.stdin], [], [], job.timeout_s)[0]:
        click.echo()
        raise TaskTimeout(f"nobody answered {name_of(job)} within {job.timeout_s:g} s")

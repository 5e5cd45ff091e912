"""``skep plan --dir``: the tasks that the files of a directory ask for, shown, and added where wanted."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from commands import terminal
from commands.add import SOURCE
from commands.place import Place
from execution.scan import read_texts
from planning.queue_tasks import MOST_TASKS, Project, read_project
from runtime_contract import dollars_to_micros
from store.adding import Added, add_all
from store.task_file import Judge

WORDS_SHOWN: Final = 60  # characters of a task's own words


def read(path: Path, max_budget: float | None) -> Project:
    """What the files of a directory ask for. Raises `click.FileError` where there is no such directory."""
    if not path.is_dir():
        raise click.FileError(str(path), "it is no directory")
    name = path.resolve().name
    return read_project(name, [(file.path, file.text) for file in read_texts(path)], max_budget)


def check_may_ask(wants_add: bool, says_yes: bool) -> None:
    """Raise `click.UsageError` where nobody is there to be asked and no yes is given."""
    if wants_add and not says_yes and not (terminal.is_terminal() and terminal.is_terminal(sys.stdin)):
        raise click.UsageError("--add asks on a terminal; in a script say --yes too.")


def tell(project: Project, path: Path) -> None:
    """Show the tasks as a tree, a line a task."""
    documents = project.documents
    if not documents:
        click.echo(
            terminal.clean(
                f"No open box, TODO, issue or plan was found in {path}; docs/planning.md tells what is read."
            )
        )
        return
    click.echo(terminal.clean(f"{len(documents)} tasks in {path}"))
    for number, (document, place) in enumerate(zip(documents, project.places, strict=True), 1):
        branch = "└" if number == len(documents) else "├"
        words = terminal.shorten(document["prompt"].partition("\n")[0], WORDS_SHOWN)
        notes = "; ".join(_notes(document, place))
        click.echo(terminal.clean(f"{branch}─ {document['id']}  {words}  ({notes})"))
    if project.left_out:
        terminal.note(f"{project.left_out:,} more were found; a plan has at most {MOST_TASKS} tasks.")


def _notes(document: Mapping[str, Any], place: str) -> list[str]:
    notes = [place]
    if document.get("depends_on"):
        notes.append(f"after {', '.join(document['depends_on'])}")
    if "max_budget" in document:
        notes.append(f"${dollars_to_micros(document['max_budget']) / 1_000_000:.6f}")
    return notes


def add(place: Place, project: Project) -> Added:
    """Add the tasks; one whose id is known is left as it is, and told as refused."""
    judge = Judge(place.settings.limits)
    judged = [judge.judge(each, at) for each, at in zip(project.documents, project.places, strict=True)]
    with place.store() as store:
        return add_all(store, judged, judge.seen, SOURCE)

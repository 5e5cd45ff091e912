"""``skep diff``: two attempts of a task beside each other."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from commands.task_id import offer_ids
from commands.task_view import attempt as told_of
from commands.task_view import loads
from errors import NotFound
from settings import Home
from store import attempt_diff

#: Columns under which a table of two halves cannot be read.
LEAST_COLUMNS: Final = 60
_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}


@click.command(
    help="""Show how two attempts of a task differ: what each printed or answered, side by side,
    and what was found wrong. Of the newest two that have an output, unless named.

    Example: skep diff t-1 --attempts 1 3"""
)
@click.argument("task_id", metavar="ID", shell_complete=offer_ids)
@click.option("--attempts", type=(int, int), metavar="A B", help="These two attempts.")
@click.option("--unified", is_flag=True, help="Changed lines below each other, as diff -u has them.")
@json_option
@with_place
def diff(place: Place, task_id: str, attempts: tuple[int, int] | None, unified: bool, as_json: bool) -> int:
    """Compare two attempts."""
    with place.reader() as reader:
        row = reader.task(task_id)
        if row is None:
            raise NotFound(
                f"There is no task {task_id!r}; `skep list` shows those there are.", task_id=task_id
            )
        old, new = (_told(place.home, each) for each in attempt_diff.choose(reader, row, attempts))
    if as_json:
        terminal.print_json({"task_id": task_id, "old": old, "new": new, "diff": list(_unified(old, new))})
        return FINE
    _print_heads(old, new)
    if unified:
        for line in _unified(old, new):
            click.echo(click.style(terminal.clean_block(line), fg=_COLOURS.get(line[:1])))
    else:
        for line in side_by_side(_lines(old), _lines(new), shutil.get_terminal_size((120, 24)).columns):
            click.echo(line)
    return FINE


def _told(home: Home, row: sqlite3.Row) -> dict[str, Any]:
    told = told_of(row)
    text, is_cut = attempt_diff.text_of(home.outputs, loads(row["outcome"]), attempt_diff.FOR_A_TERMINAL)
    names = ("attempt", "became", "findings", "status", "model", "exit_code", "ended_at")
    return {name: told[name] for name in names} | {"output": text, "output_cut": is_cut}


def _lines(told: dict[str, Any]) -> list[str]:
    return str(told["output"]).splitlines()


def _unified(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    before, after = (f"attempt {each['attempt']} ({each['became'] or 'under way'})" for each in (old, new))
    return attempt_diff.unified(str(old["output"]), str(new["output"]), (before, after))


def _print_heads(old: dict[str, Any], new: dict[str, Any]) -> None:
    for each in (old, new):
        click.echo(terminal.clean(f"attempt {each['attempt']}: {each['became'] or 'under way'}"))
        for finding in each["findings"]:
            click.echo(f"  found: {terminal.shorten(finding, 300)}")
        if each["output_cut"]:
            click.echo(f"  only its first {attempt_diff.FOR_A_TERMINAL.lines:,} lines are compared")


def side_by_side(old: list[str], new: list[str], columns: int) -> Iterator[str]:
    """Lines of two halves; the mark between them says which differ, and where only one side has a line."""
    half = (max(columns, LEAST_COLUMNS) - 3) // 2
    for left, right in attempt_diff.pairs(old, new):
        mark = " " if left == right else "<" if right is None else ">" if left is None else "|"
        cells = [terminal.shorten(text or "", half) for text in (left, right)]
        line = f"{cells[0]:<{half}} {mark} {cells[1]}".rstrip()
        yield click.style(line, fg={"<": "red", ">": "green", "|": "yellow"}.get(mark))

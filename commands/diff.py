"""``skep diff``: two attempts of a task beside each other."""

from __future__ import annotations

import difflib
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
from redaction import clean
from settings import Home
from store.outputs import read_output
from store.reading import Reader

#: Bytes and lines of an output that are compared; comparing takes the square of the lines.
MOST_BYTES: Final = 512 * 1024
MOST_LINES: Final = 3000
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
        old, new = (_told(place.home, each) for each in _choose(reader, row, attempts))
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


def _choose(reader: Reader, row: sqlite3.Row, named: tuple[int, int] | None) -> list[sqlite3.Row]:
    """The two attempts, the older first. Raises `NotFound`."""
    ended = {each["attempt"]: each for each in reader.attempts(row["seq"]) if each["outcome"] is not None}
    wanted = named or tuple(sorted(ended)[-2:])
    for number in wanted:
        if number not in ended:
            raise NotFound(f"{row['id']} has no attempt {number} that came to a result.", task_id=row["id"])
    if len(wanted) < 2:
        raise NotFound(
            f"{row['id']} has {len(ended)} attempts that came to a result; two are needed.", task_id=row["id"]
        )
    return [ended[number] for number in wanted]


def _told(home: Home, row: sqlite3.Row) -> dict[str, Any]:
    told = told_of(row)
    text, is_cut = _text(home, loads(row["outcome"]))
    names = ("attempt", "became", "findings", "status", "model", "exit_code", "ended_at")
    return {name: told[name] for name in names} | {"output": clean(text), "output_cut": is_cut}


def _text(home: Home, outcome: dict[str, Any]) -> tuple[str, bool]:
    ref = outcome.get("output_ref")
    if ref is None:
        return str(outcome.get("output") or ""), False
    data = read_output(home.outputs, ref, MOST_BYTES + 1)
    lines = data[:MOST_BYTES].decode("utf-8", errors="replace").splitlines(keepends=True)
    return "".join(lines[:MOST_LINES]), len(data) > MOST_BYTES or len(lines) > MOST_LINES


def _lines(told: dict[str, Any]) -> list[str]:
    return str(told["output"]).splitlines()


def _unified(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    before, after = (f"attempt {each['attempt']} ({each['became'] or 'under way'})" for each in (old, new))
    return difflib.unified_diff(_lines(old), _lines(new), before, after, lineterm="")


def _print_heads(old: dict[str, Any], new: dict[str, Any]) -> None:
    for each in (old, new):
        click.echo(terminal.clean(f"attempt {each['attempt']}: {each['became'] or 'under way'}"))
        for finding in each["findings"]:
            click.echo(f"  found: {terminal.shorten(finding, 300)}")
        if each["output_cut"]:
            click.echo(f"  only its first {MOST_LINES:,} lines are compared")


def side_by_side(old: list[str], new: list[str], columns: int) -> Iterator[str]:
    """Lines of two halves; the mark between them says which differ, and where only one side has a line."""
    half = (max(columns, LEAST_COLUMNS) - 3) // 2
    for left, right in _pairs(old, new):
        mark = " " if left == right else "<" if right is None else ">" if left is None else "|"
        cells = [terminal.shorten(text or "", half) for text in (left, right)]
        line = f"{cells[0]:<{half}} {mark} {cells[1]}".rstrip()
        yield click.style(line, fg={"<": "red", ">": "green", "|": "yellow"}.get(mark))


def _pairs(old: list[str], new: list[str]) -> Iterator[tuple[str | None, str | None]]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) > MOST_LINES // 10)
    for _, first, last, start, end in matcher.get_opcodes():
        for at in range(max(last - first, end - start)):
            left = old[first + at] if first + at < last else None
            right = new[start + at] if start + at < end else None
            yield left, right

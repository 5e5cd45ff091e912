"""``skep validate``: what a queue file breaks, without taking it in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from commands import terminal
from commands.exits import FAILED, FINE
from commands.place import Place, json_option, place_of
from errors import InvalidFile, SkepError
from store.queue_file import plain_files
from store.queue_file.report import Report, check
from store.task_file import STDIN


@click.command(
    help="""Check a queue file without taking it in: JSON, the contract, ids, dependencies.

    Exit code 0: it can be taken in as it is. 1: something breaks the contract.
    3: it cannot be read. FILE - is standard input.

    Example: skep validate queue.json"""
)
@click.argument("file", metavar="[FILE]", required=False)
@json_option
@click.pass_context
def validate(context: click.Context, file: str | None, as_json: bool) -> int:
    """Check a file."""
    place = place_of(context)
    path = Path(file) if file else place.home.queue_file
    data = _read(place, path, is_named=file is not None)
    report = check(data, place.settings.limits, _known(place, path))
    if as_json:
        terminal.print_json({"file": str(path)} | report.to_json())
    else:
        _tell(path, report)
    return FINE if report.is_ok else FAILED


def _read(place: Place, path: Path, *, is_named: bool) -> bytes:
    """The bytes: of a file that was named whatever it is, a pipe too; the home's must be a plain one."""
    if str(path) == STDIN:
        return sys.stdin.buffer.read(place.settings.limits.file_bytes + 1)
    if is_named:
        with path.open("rb") as file:
            return file.read(place.settings.limits.file_bytes + 1)
    try:
        return plain_files.read(path.resolve(), place.settings.limits).data
    except InvalidFile as error:
        raise click.FileError(str(path), error.message) from error


def _known(place: Place, path: Path) -> frozenset[str]:
    """Ids of the home that the file belongs to: a dependency on one of them is not missing."""
    if not path.exists() or not path.resolve().is_relative_to(place.home.root):
        return frozenset()
    try:
        with place.reader() as reader:
            return frozenset(row["id"] for row in reader.tasks())
    except SkepError:
        return frozenset()


def _tell(path: Path, report: Report) -> None:
    for each in report.problems:
        click.echo(terminal.clean(f"{path}:{_place(each)} {each['rule']}"))
    for each in report.warnings:
        click.echo(terminal.clean(f"{path}:{_place(each)} warning: {each['rule']}"))
    told = "can be taken in" if report.is_ok else f"{len(report.problems)} to correct"
    click.echo(terminal.clean(f"{path}: {report.tasks} tasks, {told}"))


def _place(each: dict[str, Any]) -> str:
    if each.get("line"):
        return f"{each['line']}:{each['column']}:"
    return f" {each['path']}:" if each.get("path") else ""

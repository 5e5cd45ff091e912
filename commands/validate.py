"""``skep validate``: what a queue file, or a list of models or policies, breaks, without taking it in."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
import pydantic

from commands import terminal
from commands.exits import FAILED, FINE
from commands.place import Place, json_option, place_of
from config_files import tables
from errors import InvalidFile, InvalidSetting, SkepError
from runtime_contract import Limits
from store.queue_file import plain_files
from store.queue_file.report import Report, check, refused
from store.task_file import STDIN

#: What a list of the home's `config` is called, whatever its ending.
LISTS: Final = ("models", "policies")


@click.command(
    help="""Check a queue file without taking it in: JSON, the contract, ids, dependencies.

    Exit code 0: it can be taken in as it is. 1: something breaks the contract.
    3: it cannot be read. FILE - is standard input, and a pipe is read to its end.

    A file named models or policies, with the ending .toml, .yaml, .yml or .json,
    is checked as that list.

    Example: skep validate config/models.yaml"""
)
@click.argument("file", metavar="[FILE]", required=False)
@json_option
@click.pass_context
def validate(context: click.Context, file: str | None, as_json: bool) -> int:
    """Check a file."""
    place = place_of(context)
    path = Path(file) if file else place.home.queue_file
    if file and path.suffix in tables.ENDINGS and path.stem in LISTS:
        return _validate_list(path, as_json=as_json)
    limits = place.settings.limits
    try:
        report = check(_read(place, path, is_named=file is not None), limits, _known(place, path))
    except InvalidFile as error:
        report = refused(error)
    if as_json:
        terminal.print_json({"file": str(path)} | report.to_json())
    else:
        _tell(path, report)
    return FINE if report.is_ok else FAILED


def _validate_list(path: Path, *, as_json: bool) -> int:
    """Check a list of models or policies."""
    from config_files.models import ModelsFile
    from runs.policy_file import PoliciesFile

    kind: type[pydantic.BaseModel] = ModelsFile if path.stem == LISTS[0] else PoliciesFile
    problems: list[dict[str, Any]] = []
    try:
        tables.read_file(path, path.name, kind)
    except InvalidSetting as error:
        problems = error.details.get("problems") or [{"text": error.message}]
    if as_json:
        terminal.print_json({"file": str(path), "ok": not problems, "problems": problems})
    else:
        for each in problems:
            click.echo(terminal.clean(each["text"]))
        told = f"{len(problems)} to correct" if problems else "is right"
        click.echo(terminal.clean(f"{path}: {told}"))
    return FAILED if problems else FINE


def _read(place: Place, path: Path, *, is_named: bool) -> bytes:
    """The bytes: of a file that was named whatever it is, a pipe too; the home's must be a plain one."""
    if str(path) == STDIN:
        return sys.stdin.buffer.read(place.settings.limits.file_bytes + 1)
    if is_named:
        with path.open("rb") as file:
            _check_size(file, place.settings.limits)
            return file.read(place.settings.limits.file_bytes + 1)
    try:
        return plain_files.read_by_name(path, place.settings.limits).data
    except InvalidFile as error:
        raise click.FileError(str(path), error.message) from error


def _check_size(file: BinaryIO, limits: Limits) -> None:
    """Raise `InvalidFile` with the size of a file over the bound, which is not read; a pipe has none yet."""
    info = os.fstat(file.fileno())
    if stat.S_ISREG(info.st_mode):
        plain_files.check(info, limits)


def _known(place: Place, path: Path) -> frozenset[str]:
    """Ids of the home that the file belongs to: a dependency on one of them is not missing."""
    if not path.exists() or not plain_files.target_of(path).is_relative_to(place.home.root):
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

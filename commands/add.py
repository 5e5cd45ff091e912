"""``skep add``: tasks into the queue, one from the command line or any number from a file."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import click

from commands import terminal
from commands.exits import FAILED, FINE
from commands.new_task import describe, task_options
from commands.place import Place, json_option, with_place
from commands.progress import Progress, progress_bar
from errors import InvalidFile
from store.adding import Added, add_all, enter
from store.task_file import STDIN, Judge, read

_ARGV = "skep.argv"
#: Where these tasks come from.
SOURCE = "cli"
#: Ids printed one by one; of more only the number.
MOST_PRINTED = 1_000


class AddCommand(click.Command):
    """A command whose arguments after ``--`` are the command to run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set aside what comes after the dashes; it is none of our options."""
        if "--" in args:
            cut = args.index("--")
            ctx.meta[_ARGV] = tuple(args[cut + 1 :])
            args = args[:cut]
        return super().parse_args(ctx, args)


@click.command(
    cls=AddCommand,
    help="""Put a task into the queue: a prompt for a model (- reads it from
    standard input), or a command after two dashes.

    Example: skep add "Summarise the notes" --depends-on fetch-notes

    \b
    skep add --command "echo hello" --id hello
    skep add --id look -- ls src
    skep add --file tasks.jsonl

    A file holds one task a line (JSON lines; - reads standard input), or is a
    .json queue or list. What breaks the contract is refused, the rest is taken,
    and the exit code is then 1.""",
)
@click.argument("prompt", required=False, metavar="[PROMPT]")
@task_options
@click.option("--file", "file", metavar="FILE", help="Tasks from a file; - is standard input.")
@json_option
@with_place
def add(place: Place, /, prompt: str | None, file: str | None, as_json: bool, **options: Any) -> int:
    """Add tasks."""
    place.check()
    argv: tuple[str, ...] = click.get_current_context().meta.get(_ARGV, ())
    if file is None:
        added = _one(place, _read_prompt(prompt), argv, options)
    elif prompt or argv or any(value not in {None, ()} for value in options.values()):
        raise click.UsageError("--file takes everything from the file; leave out what describes one task.")
    else:
        added = _many(place, file, as_json)
    _tell(added, as_json, bulk=file is not None)
    return FAILED if added.refused else FINE


def _read_prompt(prompt: str | None) -> str | None:
    return sys.stdin.read() if prompt == STDIN else prompt


def _one(place: Place, prompt: str | None, argv: tuple[str, ...], options: dict[str, Any]) -> Added:
    raw = describe(prompt, argv, options)
    judge, added = Judge(place.settings.limits), Added()
    with place.store() as store:
        enter(store, [judge.judge(raw, "task")], added, judge.seen, SOURCE)
    return added


def _many(place: Place, file: str, as_json: bool) -> Added:
    judge = Judge(place.settings.limits)
    with _open(file) as stream, progress_bar(file, wanted=not as_json) as progress, place.store() as store:
        counted = cast(BinaryIO, _Counted(stream, progress))
        try:
            return add_all(store, read(counted, file, judge), judge.seen, SOURCE)
        except InvalidFile as error:
            place_in_file = (
                f"line {error.details['line']}, column {error.details['column']}: "
                if "line" in error.details
                else ""
            )
            raise InvalidFile(f"{file}: {place_in_file}{error.message}", **error.details) from error


@contextlib.contextmanager
def _open(file: str) -> Iterator[BinaryIO]:
    if file == STDIN:
        yield sys.stdin.buffer
    else:
        with Path(file).open("rb") as stream:
            yield stream


class _Counted:
    """A stream that tells how far it was read."""

    def __init__(self, stream: BinaryIO, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress
        self._done = 0
        self._lines = 0
        self._total = _size(stream)

    def read(self, most: int = -1) -> bytes:
        return self._count(self._stream.read(most))

    def readline(self, most: int = -1) -> bytes:
        return self._count(self._stream.readline(most))

    def _count(self, data: bytes) -> bytes:
        self._done += len(data)
        self._lines += 1
        if self._lines % 100 == 0 or not data:
            self._progress(self._done, self._total)
        return data


def _size(stream: BinaryIO) -> int | None:
    try:
        return os.fstat(stream.fileno()).st_size or None
    except OSError:
        return None


def _tell(added: Added, as_json: bool, *, bulk: bool) -> None:
    for each in added.refused:
        where = f"{each.where}: " if bulk else ""
        terminal.note(f"skep add: {where}{each.reason}")
    if as_json:
        terminal.print_json(added.to_json())
    elif len(added.ids) > MOST_PRINTED and sys.stdout.isatty():
        click.echo(f"{len(added.ids):,} tasks added.")
    else:
        for task_id in added.ids:
            click.echo(task_id)
    if bulk and not as_json:
        terminal.note(f"{len(added.ids):,} added, {len(added.refused):,} refused")

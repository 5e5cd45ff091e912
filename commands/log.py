"""``skep log``: what a task printed or a model answered, without secrets; ``-f`` while it comes."""

from __future__ import annotations

import codecs
import json
import sqlite3
import sys
from collections.abc import Iterator

import click

from commands import terminal
from commands.exits import FINE
from commands.following import blocks_of, follow_task, tell_cut
from commands.numbers import FROM_ONE
from commands.place import Place, json_option, with_place
from commands.task_id import offer_ids
from commands.task_view import status_of
from errors import NotFound
from redaction import StreamRedactor, clean
from sentences import ended
from settings import Home
from store.outputs import open_output, own_bytes, read_output
from store.reading import Reader
from supervisor.presence import situation


@click.command(
    help="""Print what a task printed, or what the model answered: of the newest attempt that
    has an output. Secrets are taken out; all other bytes are as they were, but on a
    terminal control characters are made visible. What was not kept, over the cap or for
    want of room, is told on standard error, with --json as cut.

    With -f the output is followed while it comes, until the task ends: exit code 0
    approved, 1 ended otherwise, 75 it waits for a person, 3 no daemon runs. With --json
    too, each piece is a line of JSON: its id, its attempt, and the piece as output.

    Example: skep log -f t-1"""
)
@click.argument("task_id", metavar="ID", shell_complete=offer_ids)
@click.option("-f", "--follow", is_flag=True, help="Follow it while it comes.")
@click.option("--attempt", type=FROM_ONE, help="Of this attempt, not the newest.")
@json_option
@with_place
def log(place: Place, task_id: str, follow: bool, attempt: int | None, as_json: bool) -> int:
    """Print an output."""
    if follow and attempt:
        raise click.UsageError("-f does not take --attempt.")
    with place.reader() as reader:
        row = reader.task(task_id)
        if row is None:
            raise NotFound(
                f"There is no task {task_id!r}; `skep list` shows those there are.", task_id=task_id
            )
        if follow:
            return follow_task(place, reader, row, JsonWriter(task_id) if as_json else OutputWriter())
        chosen = choose(place, reader, row, attempt)
    if as_json:
        terminal.print_json(to_json(place.home, task_id, chosen))
        return FINE
    return _print(place.home, chosen)


def choose(place: Place, reader: Reader, row: sqlite3.Row, number: int | None) -> sqlite3.Row:
    """The attempt to print: the newest that came to an outcome, or the one asked for. Raises `NotFound`."""
    attempts = [each for each in reader.attempts(row["seq"]) if number in {None, each["attempt"]}]
    ended = [each for each in attempts if each["outcome"] is not None]
    if ended:
        return ended[-1]
    if number is not None and not attempts:
        raise NotFound(f"{row['id']} has no attempt {number}.", task_id=row["id"])
    raise NotFound(f"{row['id']} has no output: {_why_none(place, reader, row)}", task_id=row["id"])


def _why_none(place: Place, reader: Reader, row: sqlite3.Row) -> str:
    status = status_of(row)
    if status == "in_progress":
        return f"it is running; `skep log -f {row['id']}` follows it."
    waits = reader.waiting_for(row, situation(place.home, reader))
    return (
        ended(f"it is waiting for: {clean(waits)}")
        if waits
        else ended(f"it ended {status}: {clean(row['reason'] or 'it never ran')}")
    )


def _print(home: Home, attempt: sqlite3.Row) -> int:
    outcome = json.loads(attempt["outcome"])
    writer = OutputWriter()
    ref = outcome.get("output_ref")
    if ref is None:
        writer.write(outcome.get("output", "").encode())
    else:
        with open_output(home.outputs, ref) as stored:
            for block in blocks_of(stored, own_bytes(outcome)):
                writer.write(block)
    writer.finish()
    tell_cut(outcome)
    failure = outcome.get("failure")
    if failure:
        terminal.note(f"{failure['code']}: {failure['message']}")
    return FINE


def to_json(home: Home, task_id: str, attempt: sqlite3.Row) -> dict[str, object]:
    """The output and where it came from."""
    outcome = json.loads(attempt["outcome"])
    ref = outcome.get("output_ref")
    own = own_bytes(outcome)
    most = -1 if own is None else own
    data = outcome.get("output", "").encode() if ref is None else read_output(home.outputs, ref, most)
    return {
        "id": task_id,
        "attempt": attempt["attempt"],
        "output_ref": ref,
        "bytes": len(data),
        "cut": outcome.get("output_cut", 0),
        "output": clean(data.decode("utf-8", errors="replace")),
        "failure": outcome.get("failure"),
    }


class OutputWriter:
    """Writes output without secrets: raw for a program, with control characters made visible for a person."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._redactor = StreamRedactor()
        self._for_person = terminal.is_terminal()

    def begin(self, attempt: int) -> None:
        """One attempt's output follows another's."""

    def write(self, data: bytes) -> None:
        """Write a piece as soon as it is known to hold no secret."""
        self._write(self._redactor.feed(data))

    def _write(self, data: bytes) -> None:
        if self._for_person:
            click.echo(terminal.clean_block(self._decode.decode(data)), nl=False)
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def write_all(self, pieces: Iterator[bytes]) -> None:
        """Write pieces as they come."""
        for piece in pieces:
            self.write(piece)

    def finish(self) -> None:
        """Write what was held back, and what is left of a character that was cut."""
        self._write(self._redactor.finish())
        if self._for_person:
            click.echo(terminal.clean_block(self._decode.decode(b"", final=True)), nl=False)


class JsonWriter:
    """Writes output without secrets, a line of JSON for each piece, named as `to_json` names it."""

    def __init__(self, task_id: str) -> None:
        self._task_id = task_id
        self._attempt = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._redactor = StreamRedactor()

    def begin(self, attempt: int) -> None:
        """What comes next is of this attempt; what was held back is of the one before."""
        if attempt != self._attempt:
            self.finish()
            self._attempt = attempt

    def write(self, data: bytes) -> None:
        """Write a piece as soon as it is known to hold no secret."""
        self._write(self._decode.decode(self._redactor.feed(data)))

    def finish(self) -> None:
        """Write what was held back, and what is left of a character that was cut."""
        self._write(self._decode.decode(self._redactor.finish(), final=True))

    def _write(self, text: str) -> None:
        if text:
            told = {"id": self._task_id, "attempt": self._attempt, "output": text}
            click.echo(terminal.to_json(told, indent=None))

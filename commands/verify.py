"""``skep verify``: whether the log is whole and says what the store says."""

from __future__ import annotations

from typing import Any

import click

from commands import terminal
from commands.exits import FAILED, FINE
from commands.place import Place, json_option, with_place
from commands.progress import progress_bar
from store.execution_log import VerifyResult
from store.execution_log import verify as verify_log


@click.command(
    help="""Check execution_log.jsonl: its chain of hashes, and that it agrees with the store.
    Works beside a running daemon. Exit code 0: it is whole. 1: it is not, and the
    first bad line is told.

    Example: skep verify"""
)
@json_option
@with_place
def verify(place: Place, as_json: bool) -> int:
    """Check the log."""
    place.check()
    with progress_bar("checking", wanted=not as_json) as progress:
        found = verify_log(place.home, progress=progress)
    if as_json:
        terminal.print_json(to_json(found))
    else:
        click.echo(terminal.clean(told(found)))
    return FINE if found.ok else FAILED


def to_json(found: VerifyResult) -> dict[str, Any]:
    """The result as JSON tells it."""
    bad = found.first_bad
    return {
        "ok": found.ok,
        "lines": found.lines,
        "files": found.files,
        "first_bad": None if bad is None else bad._asdict(),
        "note": found.note or None,
    }


def told(found: VerifyResult, what: str = "The log") -> str:
    """The result in a sentence."""
    note = f" {found.note}" if found.note else ""
    if found.first_bad is not None:
        return f"{found.first_bad.file}:{found.first_bad.line}: {found.first_bad.what}.{note}"
    files = f"{found.files} files" if found.files != 1 else "one file"
    return f"{what} is whole: {found.lines:,} lines in {files}, each as the store has it.{note}"

"""Writing for people and for programs: what a task says never reaches a terminal as anything but text.

Task texts, outputs and error words were written by others. Before a person or a program sees them secrets are
taken out, here and not by each verb, and every control character, escape sequence and direction override is
made visible; JSON escapes them.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

import click

from redaction import clean as without_secrets
from redaction import clean_start, clean_value

_DIRECTIONS: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS: Final = (*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029, *_DIRECTIONS, *range(0xD800, 0xE000))
_VISIBLE: Final = {code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" for code in _CONTROLS}
_LINE: Final = _VISIBLE | {9: " ", 10: " ", 13: " "}
_BLOCK: Final = {code: text for code, text in _VISIBLE.items() if code not in {9, 10}} | {13: None}
_JSON: Final = {code: f"\\u{code:04x}" for code in _CONTROLS if code >= 0x7F}

#: How statuses look where there is colour.
STATUS_COLOURS: Final = {
    "approved": "green",
    "failed": "red",
    "safety_blocked": "red",
    "cancelled": "bright_black",
    "in_progress": "cyan",
    "pending_review": "yellow",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
}


def clean(text: str) -> str:
    """One line, without secrets: breaks and tabs become blanks, other control characters are made visible."""
    return without_secrets(text).translate(_LINE)


def name(text: str) -> str:
    """A name as one line, without secrets; breaks and tabs are made visible too, as they are part of it."""
    return without_secrets(text).translate(_VISIBLE)


def clean_block(text: str) -> str:
    """The same for text of several lines; line breaks and tabs stay."""
    return without_secrets(text).translate(_BLOCK)


def shorten(text: str, most: int) -> str:
    """A clean line of at most so many characters, without secrets."""
    line = clean_start(text, 4 * most).translate(_LINE)
    return line if len(line) <= most else line[: most - 1] + "…"


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """JSON that is safe to look at: no secrets, and control characters and overrides stand as escapes."""
    shown = clean_value(value)
    return json.dumps(shown, ensure_ascii=False, allow_nan=False, indent=indent).translate(_JSON)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(to_json(value))


def note(text: str) -> None:
    """Tell a person something beside the result, on standard error."""
    click.echo(clean(text), err=True)


def wants_colour(environ: Mapping[str, str]) -> bool:
    """Whether colour may be used on a terminal (no-color.org)."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def styled_status(status: str) -> str:
    """A status in its colour; click takes the colour out where there is no terminal."""
    return click.style(status, fg=STATUS_COLOURS.get(status))


def is_terminal(stream: TextIO | None = None) -> bool:
    """Whether a person looks at the stream, standard output by default."""
    return (stream or sys.stdout).isatty()


def prepare_streams() -> None:
    """Let no character that the terminal's encoding lacks end a command, and no stream be missing.

    One that was closed before the start leads nowhere; else a file of ours would get its number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            _open_nowhere(number, name)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _open_nowhere(number: int, name: str) -> None:
    handle = os.open(os.devnull, os.O_RDWR)
    if handle != number:
        os.dup2(handle, number)
        os.close(handle)
    os.set_inheritable(number, True)
    mode = "r" if name == "stdin" else "w"
    setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings: a table on a terminal, aligned text otherwise."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    if is_terminal():
        _print_rich(columns, cleaned)
    else:
        _print_plain(columns, cleaned)


def _print_plain(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in ([name.upper() for name in columns], *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def _print_rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name == "status")
    for row in rows:
        table.add_row(*(Text(cell, style=STATUS_COLOURS.get(cell, "")) for cell in row))
    Console(highlight=False, color_system="auto" if wants_colour(os.environ) else None).print(table)


def let_go_of_closed_streams() -> None:
    """Drop what a closed terminal or a full disk no longer takes, so that the end is not made a failure."""
    for stream in filter(
        None, (sys.stdout, sys.stderr)
    ):  # there is none where it was closed before the start
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123
                os.dup2(nowhere.fileno(), stream.fileno())

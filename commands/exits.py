"""What a verb's exit code means, and how an error is told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

import errors
from redaction import clean, clean_value

FINE: Final = 0
#: the task or check failed, or what was asked cannot be done
FAILED: Final = 1
#: the command line or a setting is wrong
USAGE: Final = 2
#: the home, a file or the daemon cannot be reached or read
UNREACHABLE: Final = 3
#: what is left waits for a person (EX_TEMPFAIL of sysexits.h)
WAITS: Final = 75
#: the time given ran out, as timeout(1) says it
TIMED_OUT: Final = 124
#: Ctrl-C, as shells count it
INTERRUPTED: Final = 130
#: the reader of the output went away, as shells count SIGPIPE
PIPE_CLOSED: Final = 141
#: `skep up` was told a second time to stop, by SIGTERM, as shells count it
TERMINATED: Final = 143

_CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (errors.InvalidSetting, USAGE),
    (errors.InvalidRequest, USAGE),
    (errors.StoreError, UNREACHABLE),
    (errors.DaemonUnreachable, UNREACHABLE),
    (errors.AlreadyRunning, UNREACHABLE),
    (errors.SkepError, FAILED),
    (click.FileError, UNREACHABLE),
    (click.ClickException, USAGE),
    (OSError, UNREACHABLE),
)


def code_of(error: Exception) -> int:
    """The exit code for an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


def sentence(error: Exception) -> str:
    """The error as one line for a person, without secrets: it may repeat what was typed."""
    return clean(_sentence(error))


def _sentence(error: Exception) -> str:
    if isinstance(error, errors.SkepError):
        return error.message
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}{_way_out(error)}" if error.filename else error.strerror
    return str(error)


def _way_out(error: OSError) -> str:
    """What to do where the state of a home is closed; other files are no matter of homes."""
    if not isinstance(error, PermissionError) or not isinstance(error.filename, str | bytes):
        return ""
    path = Path(os.fsdecode(error.filename))
    if ".swarm" not in path.parts:
        return ""
    from store import ownership

    return ownership.way_out(path)


def problem(error: Exception) -> dict[str, Any]:
    """The error as a problem document (RFC 9457)."""
    if isinstance(error, errors.SkepError):
        told: dict[str, Any] = clean_value(error.to_problem())
        return told
    code = "usage" if isinstance(error, click.UsageError) else "cannot_read"
    return {"type": f"urn:skep:problem:{code}", "title": "The command cannot be done.",
            "detail": sentence(error), "code": code}  # fmt: skip


def is_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON; read before it is parsed, so that wrong usage is told so too."""
    words = list(arguments)
    return "--json" in (words[: words.index("--")] if "--" in words else words)

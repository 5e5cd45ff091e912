"""What the processes say of themselves: a JSON object a line on standard error, plain on a terminal.

Standard error goes wherever the daemon was started, so each process also keeps its newest lines in
``.swarm/logs/NAME.jsonl`` of the home, which the control panel shows. That file is this user's alone, holds
no secrets, and never has more than some megabytes with the ones before it.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import logging.handlers
import os
import re
import stat
import sys
from pathlib import Path
from typing import Any, Final, TextIO

from clock import to_rfc3339
from redaction import clean, clean_value
from settings import Home, Settings
from work_context import about

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LOGS: Final = "logs"
_SUFFIX: Final = ".jsonl"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
#: Bytes of a file before it is put aside as ``NAME.jsonl.1``, and how many of these stay.
MOST_BYTES: Final = 1024 * 1024
KEPT_BEFORE: Final = 2
#: Bytes from the end that are looked at for the newest lines, and lines that are told.
TAIL_BYTES: Final = 128 * 1024
TAIL_LINES: Final = 200
_FIELDS: Final = ("ts", "level", "process", "logger", "message", "run_id", "task_id", "error")
_LONGEST_FIELD: Final = 4_000
_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class JsonLines(logging.Formatter):
    """Formats a record as a line: ts, level, process, logger, message, what it concerns, and any `extra`."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        told = {
            "ts": to_rfc3339(record.created),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
            **about(),
        }
        told |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(clean_value(told), ensure_ascii=False, default=lambda value: clean(str(value)))


class PlainText(logging.Formatter):
    """Formats a record for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record, without secrets."""
        return clean(super().format(record))


class KeptFile(logging.handlers.RotatingFileHandler):
    """The file of one process: closed to others from the first moment on, and followed through no link.

    A home that cannot take it, as with a full disk, costs the line and nothing else.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MOST_BYTES, backupCount=KEPT_BEFORE, encoding="utf-8", delay=True)

    def _open(self) -> io.TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(mode=0o700, exist_ok=True)  # in a home that there is already
        handle = os.open(self.baseFilename, _APPEND, 0o600)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                raise PermissionError(f"{self.baseFilename} is not a plain file of yours")
            os.fchmod(handle, 0o600)
            return io.TextIOWrapper(os.fdopen(handle, "ab"), encoding="utf-8", errors="backslashreplace")
        except BaseException:
            os.close(handle)
            raise

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name logging calls
        """Let the line go: standard error has it."""


def configure_logging(
    settings: Settings, process: str, home: Home | None = None, name: str | None = None
) -> None:
    """Log this process's records at the level of the settings, and keep them in `home` under its `name`."""
    handlers: list[logging.Handler] = [_to_stream(sys.stderr, process)]
    name = name or process
    if home is not None and _NAME.fullmatch(name):
        kept = KeptFile(_path(home, name))
        kept.setFormatter(JsonLines(process))
        handlers.append(kept)
    logging.basicConfig(handlers=handlers, level=settings.log_level.upper(), force=True)
    for noisy in ("httpx", "httpcore", "waitress.queue", "filelock"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It reports its own orderly end as an error; that files cannot be watched is told by the one who asked.
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)


def _to_stream(stream: TextIO, process: str) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_plain(process) if stream.isatty() else JsonLines(process))
    return handler


def _plain(process: str) -> logging.Formatter:
    """What a person at a terminal reads."""
    return PlainText(f"%(asctime)s  {process}: %(levelname)s %(message)s", datefmt="%H:%M:%S")


# -- what was kept -----------------------------------------------------------------------------------------


def kept(home: Home) -> list[str]:
    """Names of the processes that have kept a log."""
    try:
        found = [each.name for each in (home.state / _LOGS).iterdir()]
    except OSError:
        return []
    names = (each.removesuffix(_SUFFIX) for each in found if each.endswith(_SUFFIX))
    return sorted(name for name in names if _NAME.fullmatch(name))


def mark(home: Home, name: str) -> tuple[int, ...]:
    """What changes with every line of a process."""
    try:
        found = _path(home, name).lstat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def tail(home: Home, name: str) -> list[dict[str, Any]]:
    """The newest lines of a process, oldest first: of each its fields, as texts."""
    found = []
    for raw in _end_of(_path(home, name)).split(b"\n")[-TAIL_LINES - 1 :]:
        with contextlib.suppress(ValueError):
            line = json.loads(raw)
            if isinstance(line, dict):
                found.append({field: clean(str(line.get(field) or ""))[:_LONGEST_FIELD] for field in _FIELDS})
    return found


def _end_of(path: Path) -> bytes:
    """The last bytes of a file, from the beginning of a line on; none where it is no plain file."""
    try:
        handle = os.open(path, _READ)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return b""
        file.seek(max(0, found.st_size - TAIL_BYTES))
        end = file.read(TAIL_BYTES)
    return end if found.st_size <= TAIL_BYTES else end.partition(b"\n")[2]


def _path(home: Home, name: str) -> Path:
    return home.state / _LOGS / f"{name}{_SUFFIX}"

"""What the processes say of themselves: a JSON object a line on standard error, plain on a terminal."""

from __future__ import annotations

import json
import logging
import sys
from typing import Final

from clock import to_rfc3339
from redaction import clean, clean_value
from settings import Settings

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record as one line: ts, level, process, logger, message, and whatever `extra` gave."""

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


def configure_logging(settings: Settings, process: str) -> None:
    """Log this process's records at the level of the settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_plain(process) if sys.stderr.isatty() else JsonLines(process))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    for noisy in ("httpx", "httpcore", "waitress.queue", "filelock"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It reports its own orderly end as an error; that files cannot be watched is told by the one who asked.
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)


def _plain(process: str) -> logging.Formatter:
    """What a person at a terminal reads."""
    return PlainText(f"%(asctime)s  {process}: %(levelname)s %(message)s", datefmt="%H:%M:%S")

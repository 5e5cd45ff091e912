"""What ``skep up`` tells on the terminal while it runs: a line an event, or as JSON every event."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Final

import click

from clock import to_local_text
from commands import terminal
from commands.terminal import clean
from store.reading import Reader, event_of

#: Events told on the terminal, with the word for them.
TOLD: Final = {
    "task.approved": "approved",
    "task.failed": "failed",
    "task.safety_blocked": "blocked",
    "task.cancelled": "cancelled",
    "task.refused": "refused",
    "decision.asked": "asks",
    "queue_file.refused": "queue.json",
    "queue_file.removal_held": "queue.json",
    "daemon.crashed": "crashed",
    "daemon.disk_full": "disk",
    "daemon.kill_switch_on": "KILLED",
    "daemon.kill_switch_off": "cleared",
    "daemon.breaker_tripped": "TRIPPED",
    "daemon.breaker_reset": "reset",
    "audit.blocked": "audit",
    "daemon.model": "model",
    "daemon.sandbox": "sandbox",
}


class Teller:
    """Tells on the terminal what happens, a line an event; as JSON every event, for scripts."""

    def __init__(self, reader: Reader, *, as_json: bool) -> None:
        self._reader = reader
        self._as_json = as_json
        row = reader.one("last_event_seq")
        self._seen = int(row["seq"]) if row else 0
        self._version = -1

    def tell_new(self) -> None:
        """Tell what is new."""
        version = self._reader.data_version()
        if version == self._version:
            return
        self._version = version
        for row in self._reader.events(after=self._seen):
            self._seen = row["seq"]
            word = TOLD.get(row["event"])
            if self._as_json:
                say(terminal.to_json(event_of(row), indent=None))
            elif word is not None:
                self._tell(word, event_of(row))

    def _tell(self, word: str, event: dict[str, Any]) -> None:
        what = event.get("question") or event.get("reason") or event.get("result_summary") or ""
        moment = to_local_text(time.time())[11:]
        say(clean(f"{moment}  {word:<10} {event['task_id'] or ''}  {what}".rstrip()))


def say(line: str) -> None:
    """Print a line. Full disk or closed terminal: the daemon goes on without it."""
    with contextlib.suppress(OSError):
        click.echo(line)

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

#: The words for what tasks of a kind need.
_WORDS: Final = {"llm": TOLD["daemon.model"], "local": TOLD["daemon.sandbox"]}


class Teller:
    """Tells on the terminal what happens, a line an event; as JSON every event, for scripts."""

    def __init__(self, reader: Reader, *, as_json: bool) -> None:
        self._reader = reader
        self._as_json = as_json
        row = reader.one("last_event_seq")
        self._seen = int(row["seq"]) if row else 0
        self._version = -1
        self._told: set[str] = set()

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

    def tell_held(self) -> bool:
        """Tell why no task of a kind can run, where that is as it was before, so that no event has told it.

        False while swarm, which knows, is not up.
        """
        gate = self._reader.gate()
        if gate.waits_for_swarm:
            return False
        for mode, why in sorted(gate.closed_modes.items()):
            if why not in self._told and not self._as_json:
                self._say(_WORDS[mode], "", why)
        return True

    def _tell(self, word: str, event: dict[str, Any]) -> None:
        what = event.get("question") or event.get("reason") or event.get("result_summary") or ""
        self._say(word, event["task_id"] or "", what)

    def _say(self, word: str, task_id: str, what: str) -> None:
        self._told.add(what)
        moment = to_local_text(time.time())[11:]
        say(clean(f"{moment}  {word:<10} {task_id}  {what}".rstrip()))


def say(line: str) -> None:
    """Print a line. Full disk or closed terminal: the daemon goes on without it."""
    with contextlib.suppress(OSError):
        click.echo(line)

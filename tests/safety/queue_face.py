"""Queue files, put one after the other in the place of ``queue.json`` under a running daemon.

A file is in when the daemon says so in ``execution_log.jsonl``; then comes the next. What its tasks came to
is looked at when nothing is left to do.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from testing.running_daemon import RunningDaemon
from tests.safety.corpus import Entry
from tests.safety.verdicts import Verdict

#: Bytes of a queue file here, so that one over the bound need not have 64 million.
FILE_BYTES: Final = 250_000
PATIENCE_S: Final = 60.0
#: What the daemon says of a file.
_SEEN: Final = frozenset({"queue_file.refused", "queue_file.taken_in"})
_ID: Final = re.compile(r'"id": "([\w.-]+)"')
Event = dict[str, Any]


class Log:
    """An execution log, followed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        #: every event so far
        self.events: list[Event] = []

    def read(self) -> list[Event]:
        """The events that are new; a line that is being written waits for the next call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole, end, _ = file.read().rpartition(b"\n")
        self._at += len(whole) + len(end)
        new = [json.loads(line) for line in whole.splitlines()]
        self.events += new
        return new


@dataclass(frozen=True)
class Placed:
    """A file that was put there, and what came before the next one."""

    entry: Entry
    events: list[Event] = field(default_factory=list)


def ask(daemon: RunningDaemon, entries: Iterable[Entry]) -> list[Verdict]:
    """The verdict on each, by a daemon that runs with `FILE_BYTES` as its bound."""
    log = Log(daemon.root / "execution_log.jsonl")
    daemon.add_to_queue({"id": "warm-up", "command": "true"})
    daemon.wait_for_ends("warm-up")
    log.read()
    placed = [_place(daemon, log, each) for each in entries]
    tasks = daemon.wait_until(_is_at_rest, "nothing is left to do")
    log.read()
    return [_judge(each, log.events, tasks) for each in placed]


def _place(daemon: RunningDaemon, log: Log, entry: Entry) -> Placed:
    """Put a file there by renaming, as an editor does, and wait until the daemon has said what it is."""
    fresh = daemon.root / "queue.json.fresh"
    fresh.write_bytes(entry.whole_file)
    fresh.replace(daemon.root / "queue.json")
    placed = Placed(entry)

    def is_seen() -> bool:
        placed.events.extend(log.read())
        return any(event["event"] in _SEEN for event in placed.events)

    _wait(is_seen)
    return placed


def _wait(holds: Callable[[], bool]) -> None:
    """Wait until it holds, or long enough: what did not come is told by the verdict."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)


def _is_at_rest(tasks: dict[str, Any]) -> bool:
    """Whether every task has ended or waits for a person."""
    return not any(
        task["status"] in {"pending", "in_progress", "pending_review"}
        and not str(task["waiting_for"]).startswith("a person")
        for task in tasks.values()
    )


def _judge(placed: Placed, events: Sequence[Event], tasks: dict[str, Any]) -> Verdict:
    entry = placed.entry
    found = {name: tasks.get(name, {}).get("status") for name in entry.tasks}
    mine = [event for event in placed.events if event["task_id"] not in tasks]
    mine += [event for event in events if event["task_id"] in entry.tasks]
    # What is refused may stand in the store under a name that was made for it.
    mine += [event for event in placed.events if event["event"] == "task.refused"]
    rules = frozenset(word for event in mine for word in _names(event))
    told = [f"{name} {status}" for name, status in found.items()]
    told += [str(event["reason"]) for event in mine if event.get("reason")]
    return Verdict(entry, _passed(entry, found, rules, tasks), rules, "; ".join(told))


def _names(event: Event) -> Iterable[str]:
    """The names that a rule goes by in an event."""
    names = (event["event"], event.get("code"), event.get("review_verdict"))
    return (name for name in names if name)


def _passed(entry: Entry, found: dict[str, Any], rules: frozenset[str], tasks: dict[str, Any]) -> bool:
    """Honest: all ended well. Hostile: one ended as it must not, or something ran that is not told of."""
    as_expected = all(status in _choice(entry.tasks[name]) for name, status in found.items())
    if entry.allowed:
        return as_expected
    others = set(_ID.findall(entry.file)) - set(entry.tasks)
    ran = any(tasks.get(name, {}).get("status") == "approved" for name in others)
    unheard = not entry.tasks and not entry.rules & rules
    return not as_expected or ran or unheard


def _choice(expected: str | list[str]) -> list[str]:
    return [expected] if isinstance(expected, str) else expected

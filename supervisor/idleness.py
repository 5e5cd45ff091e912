"""Whether anything is left to do: what ``skep up --until-idle`` waits for."""

from __future__ import annotations

import json
from dataclasses import dataclass

from errors import InvalidFile
from road.holding import look_at
from runtime_contract import Limits
from settings import Home
from store import lanes
from store.queue_file import inbox_folder, plain_files
from store.queue_file.memory import has_seen
from store.reading import Reader


@dataclass(frozen=True)
class Left:
    """What there is to do, and what has been done."""

    is_idle: bool
    #: questions to a person, and what waits for a model, a person's leave or a task that does not exist
    waits_for_person: int
    failed: int


class Idleness:
    """Looks at one home from the moment it is made."""

    def __init__(self, home: Home, reader: Reader, limits: Limits) -> None:
        self._home = home
        self._limits = limits
        self._reader = reader
        row = reader.one("last_event_seq")
        self._since = int(row["seq"]) if row else 0
        self._seen = self._since
        self._started: set[str] = set()
        self._failed: set[str] = set()
        self._refused: set[str] = set()
        self._quiet_looks = 0

    def look(self) -> Left:
        """Look once. Idle only when two looks in a row say so."""
        self._read_history()
        quiet = {"worker", "swarm"} <= self._started and self._is_taken_in() and not self._is_busy()
        self._quiet_looks = self._quiet_looks + 1 if quiet else 0
        return Left(self._quiet_looks >= 2, self._waiting_for_person(), len(self._failed))

    def _read_history(self) -> None:
        for row in self._reader.events(after=self._seen):
            self._seen = row["seq"]
            if row["event"] == "daemon.started":
                self._started.add(_process(row["data"]))
            if row["event"] == "daemon.leader":
                self._started.add("leader")
            if row["event"] == "inbox.refused":
                self._refused.add(str(json.loads(row["data"])["file"]))
            if row["task_id"] and row["event"] in {"task.failed", "task.safety_blocked", "task.refused"}:
                self._failed.add(row["task_id"])
            elif row["task_id"] and row["event"] in {"task.approved", "task.retried", "task.cancelled"}:
                self._failed.discard(row["task_id"])

    def _is_taken_in(self) -> bool:
        """Whether the store has seen what the queue file and the inbox hold."""
        if self._has_letters():
            return False
        try:
            content = plain_files.read_by_name(self._home.queue_file, self._limits)
        except (OSError, InvalidFile):  # the leader says what is wrong with it
            return "leader" in self._started
        return has_seen(self._reader, content.digest)

    def _has_letters(self) -> bool:
        """Whether the inbox holds what is still to be taken in; dot files and what had to stay are not."""
        if inbox_folder.why_not(self._home.inbox) is not None:
            return False
        new = self._home.inbox / "new"
        return any(path.name not in self._refused for path in new.glob("[!.]*"))

    def _is_busy(self) -> bool:
        states = self._reader.state_counts()
        if states.get("running"):
            return True
        if any(row["every"] is None for row in self._reader.all("some_delayed")):
            return True
        if look_at(self._reader, self._reader.now()):
            return True
        gate = self._reader.gate()
        is_open = gate.paused is None or gate.waits_for_swarm  # which is started again, and it goes on
        return is_open and any(
            lanes.held_by_mode(row["lane"], gate) is None for row in self._reader.all("ready_heads")
        )

    def _waiting_for_person(self) -> int:
        blocked = self._reader.state_counts().get("blocked", 0)
        held = len(self._reader.all("held_by"))
        return len(self._reader.decisions()) + len(self._reader.all("ready_heads")) + blocked + held


def _process(data: str) -> str:
    return str(json.loads(data).get("process"))

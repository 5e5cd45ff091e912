"""Whether a daemon runs on a home, told by the locks it holds; and whether queue.json waits for one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from errors import InvalidFile
from host_platform import is_lock_held
from runtime_contract import Limits
from settings import Home
from store.queue_file import plain_files
from store.queue_file.memory import has_seen
from store.reading import Reader

#: A queue file over this is not looked into for whether it holds any tasks.
_SMALL_BYTES: Final = 4_096
#: Characters of what is wrong with the queue file that are told.
_TROUBLE_CHARS: Final = 500


@dataclass(frozen=True)
class DaemonState:
    """What holds the home's locks."""

    #: ``skep up``
    supervisor: bool
    #: a worker that leads
    leader: bool

    @property
    def is_running(self) -> bool:
        """Whether anything works on the home."""
        return self.supervisor or self.leader


def look(home: Home) -> DaemonState:
    """Look at the home's locks; nothing is made."""
    return DaemonState(is_lock_held(home.daemon_lock), is_lock_held(home.leader_lock))


def queue_file_trouble(home: Home) -> str | None:
    """Why the daemon could not read queue.json, with its place in the file; none where it could."""
    place = home.queue_file.with_name(f"{home.queue_file.name}.error")
    try:
        return place.read_text("utf-8", errors="replace").strip()[:_TROUBLE_CHARS] or None
    except OSError:
        return None


def has_unread_changes(home: Home, reader: Reader, limits: Limits) -> bool:
    """Whether queue.json holds something that no daemon has looked at and none is there to look."""
    if look(home).is_running:
        return False
    try:
        content = plain_files.read_by_name(home.queue_file, limits)
    except (OSError, InvalidFile):  # `skep validate` and `skep doctor` say what is wrong with it
        return False
    return not has_seen(reader, content.digest) and not _is_empty(content.data)


def _is_empty(content: bytes) -> bool:
    """Whether a queue file is as `skep init` makes it."""
    if len(content) > _SMALL_BYTES:
        return False
    try:
        queue = json.loads(content)
    except ValueError:
        return False
    return isinstance(queue, dict) and not any(queue.get(key) for key in ("tasks", "completed", "failed"))

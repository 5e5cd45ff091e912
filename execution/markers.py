"""The mark every command carries in its environment, by which it is found again however it hides.

``SKEP_CYCLE=<swarm's process>:<home>:<task>-<lease>`` is inherited by everything a command starts, also by
what leaves its process group; a sandbox that still waits for its command carries one too, for a wrapper that
is killed in the middle of setting one up can leave a process that waits for ever. What is promised: when a
command is stopped, and when swarm starts, whatever still carries the mark is killed. Commands themselves end
with swarm, by the sandbox; the mark is for what a sandbox without namespaces leaves. What is not: such a
process that clears its environment and leaves the group escapes, and so does everything where another
process's environment cannot be read (macOS).
"""

from __future__ import annotations

import hashlib
import logging
from typing import Final

import host_platform
from host_platform import ProcessId
from settings import Home

logger = logging.getLogger(__name__)

VARIABLE: Final = "SKEP_CYCLE"
#: The name in the mark of a sandbox that is set up and has no command yet.
WAITING: Final = "waiting"
#: Times the processes are looked through for strays, should they multiply faster than they are killed.
MOST_ROUNDS: Final = 50


def home_mark(home: Home) -> str:
    """The home as it stands in a mark."""
    return hashlib.sha256(str(home.root).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def mark(swarm: ProcessId, home: Home, name: str) -> str:
    """The value of the variable for one execution."""
    return f"{swarm}:{home_mark(home)}:{name}"


def kill_strays(value: str) -> int:
    """Kill every process that carries this very mark; how many were found."""
    entry = f"{VARIABLE}={value}"
    killed: set[int] = set()
    for _ in range(MOST_ROUNDS):
        found = {pid for pid, carried in host_platform.processes_with_environment(entry) if carried == entry}
        found = {pid for pid in found if host_platform.process_start(pid) != -1}
        if not found:
            break
        for pid in found:
            host_platform.kill_process(pid)
        killed |= found
    return len(killed)


def kill_orphans(home: Home) -> int:
    """Kill what a dead swarm of this home has left running; how many processes were found."""
    mine = home_mark(home)
    values = set()
    for _, carried in host_platform.processes_with_environment(f"{VARIABLE}="):
        value = carried.partition("=")[2]
        if _is_orphan(value, mine):
            values.add(value)
    count = sum(kill_strays(value) for value in sorted(values))
    if count:
        logger.warning("killed %d processes of commands whose swarm is gone", count)
    return count


def _is_orphan(value: str, mine: str) -> bool:
    parts = value.rsplit(":", 2)
    if len(parts) != 3 or parts[1] != mine:
        return False
    try:
        return not ProcessId.parse(parts[0]).is_alive()
    except ValueError:
        return False

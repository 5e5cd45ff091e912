"""Cgroups, where this process may make some: how many processes and how much memory a whole command has.

For root they are what stops a fork bomb, since RLIMIT_NPROC does not count root's processes (getrlimit(2)).
For others the kernel counts processes by user namespace anyway, and a cgroup adds a bound on all of a
command's memory together. Both hierarchies are known: one for each controller (cgroups(7), version 1), and
the unified one (version 2), in which they must be passed on to children of the group above.

A group is made once and used by one command after another: it is empty when a command is gone. Groups of a
daemon that was killed are empty too, and are removed by the next that starts.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

MOUNTS: Final = Path("/proc/self/mounts")
OWN: Final = Path("/proc/self/cgroup")
_PREFIX: Final = "skep-"
#: Files with the limits, by version and controller.
_PIDS: Final = "pids.max"
_MEMORY: Final = {1: ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"), 2: ("memory.max",)}


@dataclass(frozen=True, slots=True)
class Place:
    """A directory in which groups can be made."""

    folder: Path
    version: int
    controllers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Slot:
    """The groups of one command: one, or one for each controller."""

    folders: tuple[Path, ...]

    def take_in(self, pid: int) -> None:
        """Put a process in; what it starts stays in too. Raises `OSError`."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(f"{pid}")


class Cgroups:
    """The groups of one daemon.

    Parameters:
        name: distinguishes this daemon's groups; without a slash.
        processes: the most processes of a command.
        memory_bytes: the most memory of a command.
    """

    def __init__(self, name: str, processes: int, memory_bytes: int) -> None:
        self._name = f"{_PREFIX}{name}-{os.getpid()}"
        self._processes = processes
        self._memory = memory_bytes
        self._lock = threading.Lock()
        self._free: list[Slot] = []
        self._made: list[Path] = []
        self._places = self._usable()

    @property
    def bounds_processes(self) -> bool:
        """Whether the number of a command's processes is bounded by its group."""
        return any("pids" in place.controllers for place in self._places)

    @property
    def bounds_memory(self) -> bool:
        """Whether the memory of all of a command together is bounded by its group."""
        return any("memory" in place.controllers for place in self._places)

    def take(self) -> Slot | None:
        """An empty group; none where there can be none."""
        if not self._places:
            return None
        with self._lock:
            if self._free:
                return self._free.pop()
            number = len(self._made)
            return Slot(tuple(self._make(place, number) for place in self._places))

    def give_back(self, slot: Slot) -> None:
        """Its command is gone."""
        with self._lock:
            self._free.append(slot)

    def close(self) -> None:
        """Remove every group."""
        for folder in (*reversed(self._made), *(place.folder / self._name for place in self._places)):
            with contextlib.suppress(OSError):
                folder.rmdir()
        self._places = []

    def _usable(self) -> list[Place]:
        usable = []
        for place in find_places(MOUNTS.read_text(), OWN.read_text()) if OWN.exists() else ():
            try:
                _remove_left(place.folder)
                (place.folder / self._name).mkdir(mode=0o700)
                if place.version == 2:
                    given = " ".join(f"+{one}" for one in sorted(place.controllers))
                    (place.folder / self._name / "cgroup.subtree_control").write_text(given)
                usable.append(place)
            except OSError as error:
                logger.debug("no cgroups in %s: %s", place.folder, error)
                with contextlib.suppress(OSError):
                    (place.folder / self._name).rmdir()
        return usable

    def _make(self, place: Place, number: int) -> Path:
        folder = place.folder / self._name / f"{number}"
        folder.mkdir(mode=0o700)
        self._made.append(folder)
        if "pids" in place.controllers:
            (folder / _PIDS).write_text(f"{self._processes}")
        if "memory" in place.controllers:
            for name in _MEMORY[place.version]:
                with contextlib.suppress(FileNotFoundError):  # the one that counts swap
                    (folder / name).write_text(f"{self._memory}")
        return folder


def find_places(mounts: str, own: str) -> list[Place]:
    """Where groups might be made: below this process's own, or in the unified hierarchy beside it."""
    groups = dict(_memberships(own))
    places = []
    for point, kind, options in _mounts(mounts):
        if kind == "cgroup":
            for controller in {"pids", "memory"} & options & groups.keys():
                folder = Path(point + groups[controller])
                places.append(Place(folder, 1, frozenset({controller})))
        elif kind == "cgroup2" and "" in groups:
            places += _unified(Path(point + groups[""]), Path(point))
    return places


def _unified(own: Path, root: Path) -> list[Place]:
    """The own group passes controllers on only where it has no processes: else its neighbours' place."""
    for folder in (own, own.parent):
        if folder == root.parent:
            break
        with contextlib.suppress(OSError):
            given = set((folder / "cgroup.subtree_control").read_text().split())
            if "pids" in given:
                return [Place(folder, 2, frozenset(given & {"pids", "memory"}))]
    return []


def _memberships(own: str) -> list[tuple[str, str]]:
    """Controller and path; the unified hierarchy's controller is empty (cgroups(7))."""
    found = []
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        found += [(controller, "" if path == "/" else path) for controller in controllers.split(",")]
    return found


def _mounts(mounts: str) -> list[tuple[str, str, set[str]]]:
    lines = [line.split(" ") for line in mounts.splitlines()]
    return [(fields[1], fields[2], set(fields[3].split(","))) for fields in lines if len(fields) > 3]


def _remove_left(folder: Path) -> None:
    """Remove the groups of daemons that have gone; one that is not empty stays."""
    for group in folder.glob(f"{_PREFIX}*-[0-9]*"):
        if Path("/proc", group.name.rpartition("-")[2]).exists():
            continue
        for inner in group.glob("[0-9]*"):
            with contextlib.suppress(OSError):
                inner.rmdir()
        with contextlib.suppress(OSError):
            group.rmdir()

"""Cgroups, where this process may make some: how many processes and how much memory a whole command has.

For root they are what stops a fork bomb, since RLIMIT_NPROC does not count root's processes (getrlimit(2)).
For others the kernel counts processes by user namespace anyway, and a cgroup adds a bound on all of a
command's memory together. Both hierarchies are known: one for each controller (cgroups(7), version 1), and
the unified one (version 2), in which they must be passed on to children of the group above.

A group is made once and used by one command after another: it is empty when a command is gone. Groups of a
daemon that was killed are empty too, and are removed by the next that starts. A group that somebody has
removed is made again, with its limits, before a command enters it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from safety.sandbox.cgroup_owner import claim, is_held, remove_left

logger = logging.getLogger(__name__)

MOUNTS: Final = Path("/proc/self/mounts")
OWN: Final = Path("/proc/self/cgroup")
_PREFIX: Final = "skep-"
#: Files with the limits, by version and controller.
_PIDS: Final = "pids.max"
_MEMORY: Final = {1: ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"), 2: ("memory.max",)}


#: What the kernel says of a group that has been removed, before its file is opened or after.
_GONE: Final = frozenset({errno.ENOENT, errno.ENODEV})


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
        # containers may have the same home and process id each
        self._name = f"{_PREFIX}{name}-{secrets.token_hex(4)}-{os.getpid()}"
        self._processes = processes
        self._memory = memory_bytes
        self._lock = threading.Lock()
        self._free: list[Slot] = []
        #: slots whose groups are to be made before they are used
        self._unmade: list[Slot] = []
        self._slots: list[Slot] = []
        #: what holds this daemon's group in each place
        self._held: dict[Path, int] = {}
        self._places = self._usable()

    @property
    def bounds_processes(self) -> bool:
        """Whether the number of a command's processes is bounded by its group."""
        return any("pids" in place.controllers for place in self._places)

    @property
    def bounds_memory(self) -> bool:
        """Whether the memory of all of a command together is bounded by its group."""
        return any("memory" in place.controllers for place in self._places)

    def take_in(self, pid: int) -> Slot | None:
        """Put a process into an empty group; none where there can be none.

        Groups that are gone are made again. Raises `OSError` where they cannot be made, or the process not
        be put in; the next process may be.
        """
        if not self._places:
            return None
        slot, is_made = self._next()
        try:
            if not (is_made and _enters(slot, pid)):
                self._make(slot)
                slot.take_in(pid)
        except BaseException:
            with self._lock:  # not among the free ones: its limits may not be set
                self._unmade.append(slot)
            raise
        return slot

    def give_back(self, slot: Slot) -> None:
        """Its command is gone."""
        with self._lock:
            self._free.append(slot)

    def close(self) -> None:
        """Remove every group."""
        inner = [folder for slot in self._slots for folder in slot.folders]
        for folder in (*inner, *(place.folder / self._name for place in self._places)):
            with contextlib.suppress(OSError):
                folder.rmdir()
        for handle in self._held.values():
            os.close(handle)
        self._held.clear()
        self._places = []

    def _usable(self) -> list[Place]:
        usable = []
        for place in find_places(MOUNTS.read_text(), OWN.read_text()) if OWN.exists() else ():
            try:
                remove_left(place.folder, _PREFIX)
                self._hold(place)
                usable.append(place)
            except OSError as error:
                logger.debug("no cgroups in %s: %s", place.folder, error)
                self._let_go(place.folder / self._name)
                with contextlib.suppress(OSError):
                    (place.folder / self._name).rmdir()
        return usable

    def _next(self) -> tuple[Slot, bool]:
        """A slot that is free, and whether its groups have been made."""
        with self._lock:
            if self._free:
                return self._free.pop(), True
            if self._unmade:
                return self._unmade.pop(), False
            name = f"{len(self._slots)}"
            slot = Slot(tuple(place.folder / self._name / name for place in self._places))
            self._slots.append(slot)
            return slot, False

    def _make(self, slot: Slot) -> None:
        """Make what is missing of a slot's groups, and set their limits. Raises `OSError`."""
        with self._lock:
            for place, folder in zip(self._places, slot.folders, strict=True):
                self._hold(place)
                folder.mkdir(mode=0o700, exist_ok=True)
                self._limit(place, folder)

    def _hold(self, place: Place) -> None:
        """Make and hold the group in a place, unless it is held. Raises `OSError`."""
        group = place.folder / self._name
        if group in self._held:
            if is_held(group, self._held[group]):
                return
            logger.warning("the cgroup %s has been removed by somebody; it is made again", group)
            self._let_go(group)
        handle = claim(group)
        try:
            if place.version == 2:
                given = " ".join(f"+{one}" for one in sorted(place.controllers))
                (group / "cgroup.subtree_control").write_text(given)
        except BaseException:
            os.close(handle)
            raise
        self._held[group] = handle

    def _let_go(self, group: Path) -> None:
        handle = self._held.pop(group, None)
        if handle is not None:
            os.close(handle)

    def _limit(self, place: Place, folder: Path) -> None:
        if "pids" in place.controllers:
            (folder / _PIDS).write_text(f"{self._processes}")
        if "memory" in place.controllers:
            for name in _MEMORY[place.version]:
                with contextlib.suppress(FileNotFoundError):  # the one that counts swap
                    (folder / name).write_text(f"{self._memory}")


def _enters(slot: Slot, pid: int) -> bool:
    """Put a process in; whether the groups were there. Raises `OSError` where it is not for that."""
    try:
        slot.take_in(pid)
    except OSError as error:
        if error.errno not in _GONE:
            raise
        return False
    return True


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

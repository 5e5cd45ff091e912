"""The kinds of sandbox: what each starts for a view of the file system, and how it holds what runs."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from safety.sandbox import bubblewrap, landlock, limits, seccomp
from safety.sandbox.grip import Grip, GroupGrip, LauncherGrip, NamespaceGrip
from safety.sandbox.levels import Level
from safety.sandbox.view import View
from safety.sandbox.waiting import DATA_FD, Seed, Waiting
from settings import Settings

SEARCH_PATH: Final = "/usr/bin:/bin"


class Kind(Protocol):
    """A way to hold commands."""

    level: Level

    def seed(self, view: View) -> Seed:
        """What to start for a view. Raises `NotStarted`."""

    def grip(self, waiting: Waiting, pid: int) -> Grip:
        """The hold on what was started, now that its process is known."""

    def processes(self) -> int:
        """The most processes that a command's user may have, as RLIMIT_NPROC counts them."""


class InNamespaces:
    """Level `bubblewrap`.

    Parameters:
        bwrap: the program.
        files: a directory for the few files that are shown in `/etc`.
    """

    level: Level = "bubblewrap"

    def __init__(self, bwrap: str, files: Path, settings: Settings) -> None:
        bubblewrap.write_files(files)
        self._bwrap = bwrap
        self._files = files
        self._settings = settings
        self._tasks = limits.UserTasks()
        self._filters = {network: seccomp.namespace_filter(network=network) for network in (False, True)}
        self._seed_of = functools.lru_cache(maxsize=64)(self._plant)

    def seed(self, view: View) -> Seed:
        """The arguments for bwrap, and the filter: the same for every command with this view."""
        return self._seed_of(view)

    def _plant(self, view: View) -> Seed:
        arguments = bubblewrap.arguments(
            self._bwrap, view, self._files, self._settings.sandbox_tmp_bytes, DATA_FD
        )
        environment = _environment("/tmp")  # noqa: S108  its own
        return Seed(arguments, self._filters[view.network], environment, places=view.written)

    def grip(self, waiting: Waiting, pid: int) -> Grip:
        """The first process of the namespace."""
        return NamespaceGrip(waiting, pid, bubblewrap.exit_code)

    def processes(self) -> int:
        """Counted by user namespace, in which there is only this command; by user before Linux 5.14."""
        others = 0 if limits.counts_by_namespace() else self._tasks.count()
        return others + self._settings.sandbox_processes


class UnderRules:
    """Level `landlock`.

    Parameters:
        version: Landlock's ABI.
        folder: where each command gets a temporary directory.
    """

    level: Level = "landlock"

    def __init__(self, version: int, folder: Path, settings: Settings) -> None:
        self._version = version
        self._rooms = _Rooms(folder)
        self._settings = settings
        self._tasks = limits.UserTasks()

    def seed(self, view: View) -> Seed:
        """The launcher, and its plan."""
        tmp, clear = self._rooms.make()
        try:
            plan = landlock.plan(view, tmp, self._version)
        except BaseException:
            clear()
            raise
        places = (str(tmp), *view.written)
        return Seed(landlock.arguments(DATA_FD), plan, _environment(str(tmp)), places=places, clear=clear)

    def grip(self, waiting: Waiting, pid: int) -> Grip:
        """The launcher."""
        return LauncherGrip(waiting, pid)

    def processes(self) -> int:
        """Counted by user, the daemon's own and all others included."""
        return self._tasks.count() + self._settings.sandbox_processes


class InTheOpen:
    """Level `off`: nothing is kept from a command but the daemon's environment and open files."""

    level: Level = "off"

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._rooms = _Rooms(folder)
        self._settings = settings
        self._tasks = limits.UserTasks()

    def seed(self, view: View) -> Seed:
        """The command itself."""
        tmp, clear = self._rooms.make()
        places = (str(tmp), view.workspace)
        return Seed((), b"", _environment(str(tmp)), cwd=view.workspace, places=places, clear=clear)

    def grip(self, waiting: Waiting, pid: int) -> Grip:
        """The process group, and the mark."""
        return GroupGrip(waiting)

    def processes(self) -> int:
        """Counted by user."""
        return self._tasks.count() + self._settings.sandbox_processes


class _Rooms:
    """A temporary directory for each command, in one that only Skep uses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        remove(folder)  # what a daemon that was killed has left
        folder.mkdir(mode=0o700, parents=True)

    def make(self) -> tuple[Path, Callable[[], None]]:
        room = self._folder / f"{next(self._numbers)}"
        room.mkdir(mode=0o700)
        return room, lambda: remove(room)


def remove(folder: Path) -> None:
    """Remove a directory with whatever a command left in it; no link is followed."""
    for place, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(place).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _environment(tmp: str) -> dict[str, str]:
    """What every command has; all else is named by the policy or a profile."""
    home = {"HOME": tmp} if tmp == "/tmp" else {"HOME": tmp, "TMPDIR": tmp}  # noqa: S108  its own
    return {"PATH": SEARCH_PATH, "LANG": "C.UTF-8", **home}

"""What a command sees of the file system, from its rights: one plan, made before any level builds it.

The workspace is there under its own path. Beside it only what a program needs of the system, a `/tmp` of its
own, and what a profile names. Skep's home (state, token, audit, queue, settings) is never in a view; a right
that would bring it in is refused, not cut down.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from safety.sandbox import workplace
from safety.sandbox.levels import NotStarted
from safety.work import Rights
from settings import Home

#: Programs and libraries. On most systems all but the first are links into it.
SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
#: What the dynamic linker, linked program names and local time need.
SYSTEM_FILES: Final = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
#: What name resolution and TLS need beside, where a command has the network.
NETWORK_FILES: Final = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
    "/etc/protocols", "/etc/ssl", "/etc/ca-certificates", "/etc/pki", "/etc/crypto-policies",
)  # fmt: skip

#: Only Linux opens a path without its content; elsewhere it is opened for reading.
_O_PATH: Final = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK)

#: Device and inode; none for what is not there.
Identity = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class View:
    """The plan."""

    workspace: str
    writes_workspace: bool
    #: the workspace's `.git`, where there is one that must stay as it is
    guarded_git: str | None
    #: paths of a profile
    read_paths: tuple[str, ...]
    write_paths: tuple[str, ...]
    network: bool
    #: Skep's home, which must not show wherever it lies
    home: str
    #: another one for each time the files behind the paths were found to be other ones
    number: int = 0

    @property
    def written(self) -> tuple[str, ...]:
        """Where the command may write what outlives it."""
        return (*((self.workspace,) if self.writes_workspace else ()), *self.write_paths)


class Views:
    """The plans of one home, each looked up anew only when something behind it has changed.

    What is behind a path is known by its inode, which the path is held against at each command. Every inode
    is kept open meanwhile, so that the number cannot be another file's.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._known: dict[Rights, _Behind] = {}

    def of(self, rights: Rights) -> View:
        """The plan for these rights as things are now. Raises `NotStarted`, as `view_of`."""
        with self._lock:
            known = self._known.get(rights)
            if known is not None and known.is_so():
                return known.view
            if known is not None:
                known.close()
                del self._known[rights]
            known = self._known[rights] = _Behind(self._home, rights, next(self._numbers))
            return known.view

    def close(self) -> None:
        """Let go of what is kept open."""
        with self._lock:
            for known in self._known.values():
                known.close()
            self._known.clear()


class _Behind:
    """A plan, and what is behind its paths, kept open. Raises `NotStarted`, as `view_of`."""

    def __init__(self, home: Home, rights: Rights, number: int) -> None:
        self._workspace = home.workspace
        at = os.path.realpath(home.workspace)
        followed = (str(home.root), at, *rights.read_paths, *rights.write_paths)
        # `.git` is looked at as it stands there.
        self._paths = [(f"{at}/.git", os.O_NOFOLLOW), *((path, 0) for path in followed)]
        with contextlib.ExitStack() as handles:
            # First what is there, then the plan: what comes in between makes it another one next time.
            self._found = [_look(path, flag, handles) for path, flag in self._paths]
            self.view = dataclasses.replace(view_of(home, rights), number=number)
            self._handles = handles.pop_all()

    def is_so(self) -> bool:
        """Whether the same is behind them now."""
        return os.path.realpath(self._workspace) == self.view.workspace and all(
            _identity(path, follow=not flag) == found
            for (path, flag), found in zip(self._paths, self._found, strict=True)
        )

    def close(self) -> None:
        """Let go of it."""
        self._handles.close()


def _look(path: str, flag: int, handles: contextlib.ExitStack) -> Identity:
    """Open what is there, to be closed with the rest."""
    try:
        handle = os.open(path, _O_PATH | os.O_CLOEXEC | flag)
    except OSError:
        return None
    handles.callback(os.close, handle)
    told = os.fstat(handle)
    return told.st_dev, told.st_ino


def view_of(home: Home, rights: Rights) -> View:
    """The plan for these rights, looked up now. Raises `NotStarted` for a path that may not be in it."""
    workspace = workplace.real_path(home)
    writes = rights.workspace == "write" or rights.git == "write"
    git = f"{workspace}/.git"
    guarded = git if writes and rights.git != "write" and _is_plain(git) else None
    for path in (*rights.read_paths, *rights.write_paths):
        _check_named(path, home, workspace)
    return View(
        workspace=workspace,
        writes_workspace=writes,
        guarded_git=guarded,
        read_paths=rights.read_paths,
        write_paths=rights.write_paths,
        network=rights.network,
        home=os.path.realpath(home.root),
    )


def _check_named(path: str, home: Home, workspace: str) -> None:
    """Raise unless a path that a profile names is there and keeps away from Skep's home."""
    real = Path(os.path.realpath(path))
    root = Path(os.path.realpath(home.root))
    if not path.startswith("/") or _identity(path) is None:
        raise NotStarted(f"the profile's path {path!r} is not there; correct it in the profile")
    if root.is_relative_to(real) or (real.is_relative_to(root) and not real.is_relative_to(workspace)):
        raise NotStarted(f"the profile's path {path!r} holds Skep's own files; name less in the profile")


def _is_plain(git: str) -> bool:
    """Whether there is a `.git` to guard. Raises where it is a link, which no mount and no rule can hold."""
    try:
        mode = os.lstat(git).st_mode
    except OSError:
        return False
    if stat.S_ISLNK(mode):
        raise NotStarted(".git of the workspace is a link and cannot be guarded; put a real one in its place")
    return True


def _identity(path: str, *, follow: bool = True) -> Identity:
    try:
        told = os.stat(path, follow_symlinks=follow)  # noqa: PTH116  several times for each command
    except OSError:
        return None
    return told.st_dev, told.st_ino

"""The second level: no namespaces, but rules of the kernel on paths (landlock(7)) and a stricter filter.

For machines where bubblewrap may not make namespaces, such as containers and Ubuntu with its AppArmor
restriction. A small launcher (`safety.sandbox.launcher`) takes the rules on, for the command and everything
it starts; this module says which rules. They only ever allow, so `.git` cannot be taken out of a workspace
that may be written: there each entry of the workspace is allowed by itself, and no new ones at its top.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import host_platform
from safety.sandbox import launcher, seccomp
from safety.sandbox.levels import NotStarted
from safety.sandbox.view import NETWORK_FILES, SYSTEM, SYSTEM_FILES, View

#: The first version that knows the network; before it a launcher could not even deny TCP by itself.
OLDEST_ABI: Final = 4
#: The first version that keeps signals and abstract Unix sockets in.
SCOPED_ABI: Final = 6
#: The newest version whose rights are listed here.
NEWEST_ABI: Final = 7

# linux/landlock.h
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_DIR, _MAKE_REG, _MAKE_FIFO, _MAKE_SYM = 1 << 7, 1 << 8, 1 << 10, 1 << 12
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_CHANGE: Final = (
    _WRITE_FILE
    | _TRUNCATE
    | _REMOVE_DIR
    | _REMOVE_FILE
    | _MAKE_DIR
    | _MAKE_REG
    | _MAKE_FIFO
    | _MAKE_SYM
    | _REFER
)
_TCP: Final = 0b11
_SCOPES: Final = 0b11

_DEVICES: Final = (
    ("/dev/null", _READ_FILE | _WRITE_FILE), ("/dev/full", _READ_FILE | _WRITE_FILE),
    ("/dev/zero", _READ_FILE), ("/dev/random", _READ_FILE), ("/dev/urandom", _READ_FILE),
)  # fmt: skip


def abi() -> int:
    """The version of Landlock that the kernel has; 0 where there is none or it is not switched on."""
    if not host_platform.IS_LINUX:
        return 0
    version = ctypes.CDLL(None).syscall(launcher.CREATE_RULESET, None, 0, 1)
    return max(0, int(version))


def complaint(version: int) -> str | None:
    """Why this version will not do; none when it may."""
    return None if version >= OLDEST_ABI else f"landlock ABI {version}, at least {OLDEST_ABI} is needed"


def arguments(plan_fd: str) -> tuple[str, ...]:
    """The command line up to the program."""
    return (sys.executable, "-I", "-S", launcher.__file__, plan_fd)


def plan(view: View, tmp: Path, version: int) -> bytes:
    """What the launcher is to take on, as it reads it. Raises `NotStarted`."""
    version = min(version, NEWEST_ABI)
    if any(Path(view.home).is_relative_to(os.path.realpath(path)) for path in SYSTEM):
        raise NotStarted(f"Skep's home lies in {view.home}, where every command reads; put it elsewhere")
    told: dict[str, Any] = {
        "cwd": view.workspace,
        "handled": _handled(version, view.network),
        "rules": [list(rule) for rule in _rules(view, tmp)],
        "filter": seccomp.lone_filter(network=view.network, signals=version >= SCOPED_ABI),
        "is_scoped": version >= SCOPED_ABI,
        "network": view.network,
    }
    return marshal.dumps(told)


def _handled(version: int, network: bool) -> list[int]:
    """The fields of `struct landlock_ruleset_attr` that this version knows: files, TCP, scopes."""
    files = (1 << 13) - 1 | _REFER | _TRUNCATE | (_IOCTL_DEV if version >= 5 else 0)
    fields = [files, 0 if network else _TCP]
    return [*fields, _SCOPES] if version >= SCOPED_ABI else fields


def _rules(view: View, tmp: Path) -> Iterator[tuple[str, int]]:
    """Paths and what is allowed beneath each; a path that is not there is left out by the launcher."""
    for path in (*SYSTEM, *SYSTEM_FILES, *(NETWORK_FILES if view.network else ())):
        yield path, _READ
    yield from _DEVICES
    yield str(tmp), _READ | _CHANGE
    for path in view.read_paths:
        yield path, _READ
    for path in view.write_paths:
        yield path, _READ | _CHANGE
    yield view.workspace, _READ
    if view.guarded_git is not None:
        yield from ((path, _READ | _CHANGE) for path in _entries_beside(view))
    elif view.writes_workspace:
        yield view.workspace, _READ | _CHANGE


def _entries_beside(view: View) -> list[str]:
    """The workspace's entries but `.git` and links, which would lead a rule elsewhere."""
    entries = os.scandir(view.workspace)
    return [entry.path for entry in entries if entry.path != view.guarded_git and not entry.is_symlink()]

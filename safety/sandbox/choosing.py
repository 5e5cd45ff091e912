"""Which kind of sandbox this machine may have, before any is tried."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import host_platform
from safety.sandbox import bubblewrap, landlock, seccomp
from safety.sandbox.cgroup import Cgroups
from safety.sandbox.kinds import InNamespaces, InTheOpen, Kind, UnderRules
from safety.sandbox.levels import Level, Standing
from settings import Home, Settings


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kind that may do."""

    #: how a person knows it
    name: str
    #: why it will not do; none when it may
    complaint: str | None
    make: Callable[[], Kind]


def candidates(home: Home, settings: Settings, cgroups: Cgroups) -> Iterator[Candidate]:
    """What the settings allow, the strongest first."""
    folder = home.state / "sandbox"
    if settings.sandbox == "off":
        yield Candidate("off", None, lambda: InTheOpen(folder / "tmp", settings))
        return
    if settings.sandbox in {"auto", "bubblewrap"}:
        yield _bubblewrap(folder, settings)
    if settings.sandbox in {"auto", "landlock"}:
        yield _landlock(folder, settings, cgroups)


def _bubblewrap(folder: Path, settings: Settings) -> Candidate:
    bwrap = bubblewrap.find() if host_platform.IS_LINUX else None
    complaint = _of_machine() or bubblewrap.complaint(bwrap)
    return Candidate("bubblewrap", complaint, lambda: InNamespaces(bwrap or "", folder, settings))


def _landlock(folder: Path, settings: Settings, cgroups: Cgroups) -> Candidate:
    version = landlock.abi()
    complaint = _of_machine() or landlock.complaint(version)
    if complaint is None and os.geteuid() == 0 and not cgroups.bounds_processes:
        complaint = "root needs a pids cgroup that can be written, or a fork bomb could not be stopped"
    name = f"landlock ABI {version}"
    return Candidate(name, complaint, lambda: UnderRules(version, folder / "tmp", settings))


def _of_machine() -> str | None:
    if not host_platform.IS_LINUX:
        return "it needs Linux"
    if not seccomp.is_supported():
        return f"there is no system call filter for {platform.machine()}"
    return None if hasattr(os, "pidfd_open") else "it needs Linux 5.3 or newer"


def standing_of(level: Level, name: str, cgroups: Cgroups) -> Standing:
    """What holds, in a sentence."""
    if level == "off":
        return Standing("off", 'sandbox = "off": commands run with everything you may do')
    held = {
        "bubblewrap": "commands run in namespaces of their own (bubblewrap), without network",
        "landlock": f"commands run without namespaces ({name}), without network; weaker than bubblewrap",
    }
    return Standing(level, held[level], _bounds(level, cgroups))


def _bounds(level: Level, cgroups: Cgroups) -> str:
    if cgroups.bounds_processes:
        what = "processes and memory" if cgroups.bounds_memory else "processes"
        return f"{what} of a command are bounded by a cgroup"
    if os.geteuid() != 0:
        return (
            "processes of a command are bounded by its user namespace"
            if level == "bubblewrap"
            else ("processes of a command are bounded by those of your user")
        )
    return "Skep runs as root and can make no pids cgroup: a fork bomb ends at its time limit"


def name_of(home: Home) -> str:
    """The home, as part of the name of a group."""
    return hashlib.sha256(os.fsencode(home.root)).hexdigest()[:12]

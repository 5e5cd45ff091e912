"""The machine the figures belong to."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import host_platform

FSYNC_SECONDS = 1.0
#: of the loop that tells how fast Python runs
ADDITIONS = 2_000_000
BLOCK = b"\0" * 4096


def describe(scratch: Path) -> dict[str, str]:
    """What anyone needs to know to compare, as name and text."""
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "Memory": f"{_memory_gib():.0f} GiB",
        "System": f"{platform.system()} {platform.release()} ({_distribution()})",
        "File system": f"{host_platform.file_system_type(scratch)}, {fsyncs_a_second(scratch):,.0f} "
        "write-and-fsync of 4 KiB a second",
        "Python": f"{platform.python_implementation()} {platform.python_version()}, "
        f"{additions_a_second() / 1e6:.1f} million additions a second in a loop",
        "SQLite": sqlite3.sqlite_version,
        "Peers": _peers(),
        "Load before": f"{os.getloadavg()[0]:.2f} (1-minute average)",
        "When": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def in_short(about: Mapping[str, str]) -> str:
    """When something was measured, and what tells a fast machine from a slow one of the same kind."""
    speed = about["Python"].partition(", ")[2]
    return f"{about['When']}, on {about['File system']} and {speed}"


def additions_a_second() -> float:
    """How fast one core of this machine runs Python, right now: the best of three."""
    return max(_additions_a_second() for _ in range(3))


def _additions_a_second() -> float:
    total, began = 0, time.process_time()
    for each in range(ADDITIONS):
        total += each
    return ADDITIONS / (time.process_time() - began)


def fsyncs_a_second(directory: Path, seconds: float = FSYNC_SECONDS) -> float:
    """How often a disk makes 4 KiB durable."""
    path = directory / "fsync.probe"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        count, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            os.pwrite(handle, BLOCK, 0)
            host_platform.sync_data(handle)
            count += 1
        return count / (time.monotonic() - began)
    finally:
        os.close(handle)
        path.unlink()


def _cpu_model() -> str:
    model = _field(Path("/proc/cpuinfo"), "model name")
    return model or platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", sys.platform)
    except OSError:
        return sys.platform


def _field(path: Path, name: str) -> str:
    """The value of the first ``name : value`` line of a file of the kernel."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _peers() -> str:
    from importlib import metadata

    found = []
    for name in ("huey", "httpx", "flask", "waitress"):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} is not installed")
    return ", ".join(found)

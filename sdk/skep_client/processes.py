"""Whether the process that wrote its name down still runs: its port may be another's by now."""

from __future__ import annotations

import os
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def may_be_alive(process: str) -> bool:
    """Whether a process ``BOOT/PID/START`` may still run; false where it is gone for certain.

    Where there is no ``/proc`` (proc(5)) only its number is looked at.
    """
    boot, _, rest = process.partition("/")
    pid, _, start = rest.partition("/")
    if not pid.isdigit() or not _is_there(int(pid)):
        return False
    if not _BOOT.exists():
        return True
    return _BOOT.read_text("ascii").strip() == boot and _start_of(int(pid)) == start


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _start_of(pid: int) -> str:
    """When a process started, in clock ticks since the boot: field 22 of its stat."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return fields[19].decode("ascii", "replace")

"""The first level: a command in namespaces of its own, set up by bubblewrap (bwrap(1)).

The new root is empty but for what is bound into it. It has its own processes, network (with nothing in it),
queues and host name; no capability; no way to make further namespaces. Everything is mounted read-only but
`/tmp`, `/dev/shm`, both of a fixed size, and what the rights open. `/proc` is read-only as a whole, since
some of its files take a write from a process whose user is the machine's root, whatever its capabilities.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from safety.sandbox.view import NETWORK_FILES, SYSTEM, SYSTEM_FILES, View

#: Where bwrap is looked for; never in a PATH that somebody else could set.
PLACES: Final = ("/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap")
#: The first version that bounds a tmpfs (`--size`).
OLDEST: Final = (0, 7)
#: The user a command is inside, where Skep runs as root: without a name for root, nobody takes it for one.
INNER_ID: Final = 1000


def find() -> str | None:
    """bwrap, where it is installed and only root can exchange it."""
    return next((path for path in PLACES if _is_roots(path)), None)


def _is_roots(path: str) -> bool:
    try:
        told = Path(path).stat()
    except OSError:
        return False
    return stat.S_ISREG(told.st_mode) and told.st_uid == 0 and not told.st_mode & 0o022


def complaint(bwrap: str | None) -> str | None:
    """Why this bwrap will not do, before it was tried; none when it may."""
    if bwrap is None:
        found = shutil.which("bwrap")
        return "bubblewrap is not installed" + (f" ({found} is not root's own)" if found else "")
    shown = subprocess.run([bwrap, "--version"], capture_output=True, text=True, check=False, timeout=10)
    version = re.search(r"(\d+)\.(\d+)", shown.stdout)
    if version is None or (int(version[1]), int(version[2])) < OLDEST:
        return f"{shown.stdout.strip() or 'bubblewrap'} is older than 0.7"
    return None


def arguments(bwrap: str, view: View, files: Path, tmp_bytes: int, filter_fd: str) -> tuple[str, ...]:
    """The command line up to the program.

    Parameters:
        view: what is bound.
        files: a directory with the `passwd` and `group` that are shown inside.
        tmp_bytes: the size of `/tmp` and of `/dev/shm`.
        filter_fd: number of the descriptor with the seccomp program.
    """
    return (
        bwrap,
        *_namespaces(view.network),
        *_system(),
        *_etc(files, view.network),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", str(tmp_bytes), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),  # noqa: S108  inside
        *("--size", str(tmp_bytes), "--tmpfs", "/tmp"),  # noqa: S108  its own
        *_paths(view),
        *("--chdir", view.workspace),
        *("--remount-ro", "/proc", "--remount-ro", "/"),
        *("--seccomp", filter_fd),
        "--",
    )


def _namespaces(network: bool) -> Iterator[str]:
    yield from ("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox")
    yield from ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")
    if not network:
        yield "--unshare-net"
    uid, gid = inner_ids()
    yield from ("--uid", str(uid), "--gid", str(gid))


def inner_ids() -> tuple[int, int]:
    """User and group inside. Outside they are the daemon's own, which alone can reach the workspace."""
    return (os.geteuid(), os.getegid()) if os.geteuid() else (INNER_ID, INNER_ID)


def _system() -> Iterator[str]:
    for path in SYSTEM:
        place = Path(path)
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), path)
        elif place.is_dir():
            yield from ("--ro-bind", path, path)


def _etc(files: Path, network: bool) -> Iterator[str]:
    for path in (*SYSTEM_FILES, *(NETWORK_FILES if network else ())):
        # Links such as resolv.conf often lead to where nothing is bound.
        yield from ("--ro-bind-try", os.path.realpath(path), path)
    for name in ("passwd", "group"):
        yield from ("--ro-bind", str(files / name), f"/etc/{name}")


def _paths(view: View) -> Iterator[str]:
    if any(Path(view.home).is_relative_to(os.path.realpath(path)) for path in SYSTEM):
        yield from ("--tmpfs", view.home)
    for path in view.read_paths:
        yield from ("--ro-bind", path, path)
    for path in view.write_paths:
        yield from ("--bind", path, path)
    yield from ("--bind" if view.writes_workspace else "--ro-bind", view.workspace, view.workspace)
    if view.guarded_git is not None:
        # The whole of it: a mount point cannot be renamed away and replaced.
        yield from ("--ro-bind", view.guarded_git, view.guarded_git)


def exit_code(told: int) -> int:
    """The command's own exit code from bwrap's: a signal comes as 128 and its number (bwrap(1))."""
    return -(told - 128) if 128 < told <= 128 + 64 else told


def write_files(folder: Path) -> None:
    """Write the `passwd` and `group` that are shown inside: one user, and nobody."""
    uid, gid = inner_ids()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwd = f"skep:x:{uid}:{gid}:sandbox:/tmp:/usr/sbin/nologin\nnobody:x:65534:65534::/:/usr/sbin/nologin\n"
    for name, text in (("passwd", passwd), ("group", f"skep:x:{gid}:\nnogroup:x:65534:\n")):
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)

"""What differs between Linux and macOS, each with a fallback; the only module that asks which system this is.

Linux is tested. The macOS branches follow the manual pages named beside them and could not be tested here;
`skep doctor` says so where one is in use.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import functools
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from path_names import real_path

IS_LINUX: Final = sys.platform.startswith("linux")
IS_MACOS: Final = sys.platform == "darwin"

#: Whether a process may be forked that goes on without exec, and be held by a descriptor (pidfd_open(2)). On
#: macOS the system's own libraries do not outlive such a fork (fork(2) there), and there are no descriptors.
CAN_FORK_SERVERS: Final = IS_LINUX and hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")

#: Bytes of the longest path a Unix socket may have, its closing NUL not counted (unix(7); unix(4) on macOS).
MOST_SOCKET_PATH_BYTES: Final = 103 if IS_MACOS else 107

_AT_FDCWD: Final = -100
_F_SETSIG: Final = 10
_AUTOGROUP_TRIES: Final = 5
_AUTOGROUP_PAUSE_S: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_RENAME_EXCHANGE: Final = 2  # renameat2(2)
_RENAME_SWAP: Final = 2  # renamex_np(2) on macOS

#: File systems on which SQLite's WAL mode must not be used: its shared memory does not cross machines.
_NETWORK_FILE_SYSTEMS: Final = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afpfs",
        "webdav",
        "9p",
        "ceph",
        "glusterfs",
        "fuse.sshfs",
        "afs",
    }
)


class ExchangeUnsupported(OSError):
    """This file system cannot exchange two names in one step."""


def exchange_files(first: Path, second: Path) -> None:
    """Swap two names in one step (``renameat2(2)``; ``renamex_np(2)`` on macOS).

    Raises `ExchangeUnsupported` where the system or the file system cannot, `OSError` otherwise.
    """
    result = _exchange(os.fsencode(first), os.fsencode(second))
    if result != 0:
        code = ctypes.get_errno() or errno.ENOSYS
        if code in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}:
            raise ExchangeUnsupported(code, os.strerror(code), str(first))
        raise OSError(code, os.strerror(code), str(first))


def _exchange(first: bytes, second: bytes) -> int:
    library = _libc()
    if IS_LINUX and hasattr(library, "renameat2"):
        return int(library.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE))
    if IS_MACOS and hasattr(library, "renamex_np"):
        return int(library.renamex_np(first, second, _RENAME_SWAP))
    ctypes.set_errno(errno.ENOSYS)
    return -1


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def fsync_directory(path: Path | str) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_data(handle: int) -> None:
    """Make a file's content durable: ``fdatasync(2)``, or ``F_FULLFSYNC`` on macOS where fsync does not."""
    if IS_MACOS:
        fcntl.fcntl(handle, 51)  # F_FULLFSYNC, fcntl(2) on macOS
    else:
        os.fdatasync(handle)


def is_one_mount(first: Path, second: Path) -> bool:
    """Whether a file can be moved between two folders by name. Raises `OSError` where one cannot be opened.

    One file system may be mounted twice, and rename(2) does not lead from one mount to another.
    """
    if first.stat().st_dev != second.stat().st_dev:
        return False
    return not IS_LINUX or _mount_id(first) == _mount_id(second)


def _mount_id(folder: Path) -> str:
    """The number of the mount a folder is on, by proc_pid_fdinfo(5); empty where it is not told."""
    handle = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        lines = Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines()
    except FileNotFoundError:
        return ""
    finally:
        os.close(handle)
    return next((line for line in lines if line.startswith("mnt_id:")), "")


def is_open_for_writing(path: Path) -> bool:
    """Whether another handle of this user's file can write to it; False where the system does not tell.

    A read lease is given only where no such handle is (fcntl(2), F_SETLEASE).
    """
    if not IS_LINUX:
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Who opens it in between would have SIGIO sent here, which ends a process; this one is ignored.
        fcntl.fcntl(handle, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(handle)
    return False


def flock_holder(path: Path) -> int | None:
    """The process that holds a file's lock (flock(2)), by proc_locks(5); none where that cannot be told."""
    try:
        told = path.stat()
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return None
    place = f"{os.major(told.st_dev):02x}:{os.minor(told.st_dev):02x}:{told.st_ino}"
    for line in lines:
        fields = line.split()
        if "->" not in fields and fields[1:2] == ["FLOCK"] and fields[5] == place:
            return int(fields[4])
    return None


@functools.cache
def boot_id() -> str:
    """A text that changes with every start of the machine."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"boot-{round(time.time() - time.monotonic(), -1):.0f}"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process that cannot be mistaken for a later one with the same number."""

    boot: str
    pid: int
    #: start time in the system's own unit; 0 where it cannot be read
    start: int

    def is_alive(self) -> bool:
        """Whether this very process still runs on this machine since the same start of it."""
        return self.boot == boot_id() and process_start(self.pid) == self.start != -1

    def __str__(self) -> str:
        return f"{self.boot}/{self.pid}/{self.start}"

    @classmethod
    def parse(cls, text: str) -> ProcessId:
        """The process that `str` was made of."""
        boot, pid, start = text.rsplit("/", 2)
        return cls(boot, int(pid), int(start))


def this_process() -> ProcessId:
    """The calling process."""
    return ProcessId(boot_id(), os.getpid(), process_start(os.getpid()))


def process_start(pid: int) -> int:
    """When a process started, in the system's unit; -1 when there is none or it is a zombie (proc(5))."""
    if IS_LINUX:
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return -1
        return -1 if fields[0] in {b"Z", b"X"} else int(fields[19])
    return _process_start_by_ps(pid)


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal or a debugger (proc(5)); elsewhere than on Linux never."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in {b"T", b"t"}
    except OSError:
        return False


def _process_start_by_ps(pid: int) -> int:
    """The same where there is no /proc (ps(1), POSIX)."""
    shown = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False)
    text = shown.stdout.decode(errors="replace").strip()
    if not text:
        return -1
    return int(time.mktime(time.strptime(text, "%a %b %d %H:%M:%S %Y")))


def processes_with_environment(entry: str) -> Iterator[tuple[int, str]]:
    """Processes whose starting environment has a variable beginning with `entry`, as (pid, that variable).

    Only Linux shows another process's environment (proc(5)); elsewhere nothing is found.
    """
    wanted = entry.encode()
    for name in os.listdir("/proc") if IS_LINUX else ():
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError):
            for variable in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                if variable.startswith(wanted):
                    yield int(name), variable.decode(errors="replace")


def kill_group(group: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process group; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def die_with_parent() -> None:
    """Have this process killed when the thread that started it ends, even while it is stopped (prctl(2)).

    Linux alone does so.
    """
    if IS_LINUX:
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def kill_process(pid: int) -> None:
    """End a process at once; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def is_lock_held(lock: Path) -> bool:
    """Whether a process holds a lock file (flock(2)); to ask, it is taken for an instant, shared."""
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def step_back(nice: int) -> None:
    """Let others have the processor before this process, and before what it starts (nice(2)).

    Linux may weigh whole sessions against each other instead, and every process of the daemon has one of its
    own: then the session steps back too (sched(7), "The autogroup feature"). Where that is refused, or asked
    for by too many at once for half a second, it stays as it is.
    """
    if not nice:
        return
    os.nice(nice)
    for _ in range(_AUTOGROUP_TRIES):
        try:
            Path("/proc/self/autogroup").write_text(str(os.nice(0)), "ascii")
        except BlockingIOError:  # the kernel takes ten a second
            time.sleep(_AUTOGROUP_PAUSE_S)
        except OSError:
            return
        else:
            return


def peer_uid(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket, by the kernel's word (unix(7); unix(4) on macOS)."""
    if IS_MACOS:
        found = connection.getsockopt(0, 1, 76)  # SOL_LOCAL, LOCAL_PEERCRED: struct xucred
        return int(struct.unpack_from("Ii", found)[1])
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)  # struct ucred
    return int(struct.unpack("3i", found)[1])


def file_system_type(path: Path) -> str:
    """The kind of file system `path` is on, or ``unknown`` (proc(5) mounts; mount(8) elsewhere)."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if IS_LINUX:
            return _longest_mount(path, Path("/proc/self/mounts").read_text(errors="replace"))
        shown = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=True, timeout=5)
        return _longest_mount(path, _as_mounts(shown.stdout))
    return "unknown"


def _longest_mount(path: Path, mounts: str) -> str:
    target = real_path(path)
    best, kind = -1, "unknown"
    for line in mounts.splitlines():
        fields = line.split(" ")
        point = Path(fields[1].replace("\\040", " ")) if len(fields) > 2 else None
        if point is not None and target.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind


def _as_mounts(text: str) -> str:
    """``/dev/disk1 on / (apfs, local)`` as ``/dev/disk1 / apfs``."""
    lines = []
    for line in text.splitlines():
        device, _, rest = line.partition(" on ")
        point, _, options = rest.rpartition(" (")
        lines.append(f"{device} {point.replace(' ', chr(92) + '040')} {options.split(',')[0].rstrip(')')}")
    return "\n".join(lines)


def is_network_file_system(path: Path) -> bool:
    """Whether SQLite's WAL must not be used at `path`."""
    return file_system_type(path) in _NETWORK_FILE_SYSTEMS


def untested_here() -> list[str]:
    """What runs on this system by a branch that the project could not test."""
    if IS_LINUX:
        return []
    return [
        "file exchange by renamex_np",
        "process start times by ps",
        "F_FULLFSYNC",
        "the user at the other end of a socket by LOCAL_PEERCRED",
        "no /proc to find strays",
    ]

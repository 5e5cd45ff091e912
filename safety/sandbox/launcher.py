# Imports are most of what a start costs: no pathlib, signal, socket, json, typing here.
# ruff: noqa: PTH112, PTH123, PTH208, SIM105
"""Takes Landlock rules, a seccomp filter and the loss of every capability on, then runs a command.

Run by `safety.sandbox.landlock` as ``python -I -S launcher.py FD``, never imported for more than its
constants: it has nothing but the standard library, and forks while it has one thread. (A `preexec_fn` in the
threaded server would fork all of it, and may deadlock.) The plan comes as JSON from the descriptor FD, the
command after it on standard input, as `safety.sandbox.waiting` describes.

Two processes stay: the command, and this one above it. This one never gives the rules up to the command:
orphans of the command come to it (PR_SET_CHILD_SUBREAPER), and when the command ends or the daemon's end of
standard input closes, it kills all of them. With ABI 6 that is one `kill(-1)` from a domain above the
command's: the kernel sends it to every process of the command and to no other, while nobody can fork.
"""

from __future__ import annotations

import _socket
import ctypes
import marshal
import os
import select
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, NoReturn

# asm-generic/unistd.h; the same on x86_64 and aarch64
CREATE_RULESET: Final = 444
ADD_RULE: Final = 445
RESTRICT_SELF: Final = 446

#: prctl(2)
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_CAPBSET_DROP: Final = 24
_PR_SET_SECCOMP: Final = 22
_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_SECCOMP_MODE_FILTER: Final = 2
_CAPABILITY_VERSION_3: Final = 0x2008_0522
_RULE_PATH_BENEATH: Final = 1
#: capabilities(7); more than there are
_MOST_CAPABILITIES: Final = 64
#: What may be allowed on a file: execute, write, read, truncate.
_ON_FILES: Final = 0b111 | 1 << 14
_SIGKILL: Final = 9
_SIGPIPE: Final = 13
_SIGXFSZ: Final = 25
_AF_INET: Final = 2
_SOCK_DGRAM: Final = 2
#: Exit code of a sandbox that could not be set up.
FAILED: Final = 125

_libc = ctypes.CDLL(None, use_errno=True)


def main(plan_fd: int, command: list[str]) -> NoReturn:
    """Set the sandbox up, run the command in it, and end as it does."""
    with open(plan_fd, "rb") as handle:
        plan: dict[str, Any] = marshal.load(handle)  # noqa: S302  the daemon's own words
    _prctl(_PR_SET_DUMPABLE, 0)  # no core of this one, should the command's signal ask for one
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _drop_capabilities()
    can_sweep = bool(plan["is_scoped"]) and _enter_outer_domain()
    me = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            _become(command, plan, me)
        except OSError as error:
            os.write(2, f"sandbox: {error}\n".encode())
        os._exit(FAILED)
    os.close(1)
    os.close(2)
    _wait_for(child)
    _end_like(_kill_all(child, can_sweep))


def _become(command: list[str], plan: dict[str, Any], parent: int) -> NoReturn:
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        os._exit(FAILED)
    os.chdir(plan["cwd"])
    _restrict(plan["handled"], plan["rules"])
    _filter(plan["filter"])
    if not plan["network"]:
        _check_no_socket()
    for number in (_SIGPIPE, _SIGXFSZ):  # Python ignores them, and that would be inherited
        _libc.signal(number, 0)
    os.execv(command[0], command)  # noqa: S606  the very command that was approved


def _check_no_socket() -> None:
    try:
        _socket.socket(_AF_INET, _SOCK_DGRAM).close()
    except OSError:
        return
    raise OSError("the filter lets sockets through")


# -- what is taken on --------------------------------------------------------------------------------------


def _drop_capabilities() -> None:
    """Give up what root has: without it root's processes are held by owners and modes as any other's."""
    for number in range(_MOST_CAPABILITIES):
        _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # fails past the last, and for who has none
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = struct.pack("=II", _CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, bytes(24)), "capset")


def _enter_outer_domain() -> bool:
    """A domain that forbids nothing but signals to those outside it; whether `kill(-1)` stays inside."""
    ruleset = _libc.syscall(CREATE_RULESET, struct.pack("=QQQ", 0, 0, 0b10), 24, 0)
    _check(ruleset, "landlock_create_ruleset")
    _check(_libc.syscall(RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return True
    return False


def _restrict(handled: list[int], rules: list[tuple[str, int]]) -> None:
    fields = struct.pack(f"={len(handled)}Q", *handled)
    ruleset = _libc.syscall(CREATE_RULESET, fields, len(fields), 0)
    _check(ruleset, "landlock_create_ruleset")
    for path, right in rules:
        _allow(ruleset, path, right & handled[0])
    _check(_libc.syscall(RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def _allow(ruleset: int, path: str, right: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):
        right &= _ON_FILES
    rule = struct.pack("=Qi", right, handle)
    _check(_libc.syscall(ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0), f"landlock_add_rule {path}")
    os.close(handle)


def _filter(program: bytes) -> None:
    # struct sock_fprog: a length, padding, a pointer
    data = ctypes.create_string_buffer(program, len(program))
    fields = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(data))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(fields, len(fields)))


def _prctl(option: int, value: int, pointer: Any = 0) -> None:
    _check(_libc.prctl(option, value, pointer, 0, 0), f"prctl {option}")


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


# -- the end -----------------------------------------------------------------------------------------------


def _wait_for(child: int) -> None:
    """Wait until the command has ended, or the daemon's end of standard input is closed."""
    poller = select.poll()
    poller.register(os.pidfd_open(child), select.POLLIN)
    poller.register(0, select.POLLRDHUP)
    poller.poll()


def _kill_all(child: int, can_sweep: bool) -> int:
    """Kill everything the command left, wait until none of it is there; how the command ended."""
    ended = 0
    while True:
        for pid in (-1,) if can_sweep else _children():
            try:
                os.kill(pid, _SIGKILL)
            except OSError:
                pass  # it is gone, or with -1: all are
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return ended
        if pid == child:
            ended = status


def _children() -> list[int]:
    me = os.getpid()
    try:
        with open(f"/proc/self/task/{me}/children", encoding="ascii") as handle:
            return [int(pid) for pid in handle.read().split()]
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _parent_of(pid) == me]


def _parent_of(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as handle:
            return int(handle.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def _end_like(status: int) -> NoReturn:
    """End with the command's exit code, or by the signal that ended it."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        _libc.signal(number, 0)  # SIG_DFL; fails for SIGKILL, which needs none
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else FAILED)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

"""Which system calls a sandboxed command may make, as a program for the kernel (seccomp(2), seccomp_filter).

The program is classic BPF: it looks at the architecture, then at the number, and for a few calls at an
argument; what it does not name is allowed, but for numbers newer than any that was looked at. Denied are the
calls by which a process gets out of a sandbox or at other processes, the large and young parts of the kernel
that hardly any program needs (io_uring, bpf, userfaultfd, keyrings), and every `socket()`, unless the command
has the network. `socketpair` stays: it leads nowhere. So is what would leave a file behind by which another
user of the machine becomes the daemon's (setuid, setgid).

libseccomp would build the same program from names. It is not used: its Python binding would have to be
importable in the launcher, which runs without any package, and bubblewrap takes the finished bytes anyway.
What it would save is the table in `syscalls` and the hundred lines here.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Sequence
from typing import Final

from safety.sandbox.syscalls import NEWEST, NUMBERS, X32_BIT

#: Machine name to (AUDIT_ARCH of audit.h, column of the table).
_ARCHITECTURES: Final = {"x86_64": (0xC000_003E, 0), "aarch64": (0xC000_00B7, 1)}

# linux/bpf_common.h, linux/seccomp.h
_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF_0000
_KILL: Final = 0x8000_0000
_ERRNO: Final = 0x0005_0000
# struct seccomp_data: nr, arch, instruction pointer, six arguments of 64 bits
_NUMBER_AT: Final = 0
_ARCH_AT: Final = 4
_ARGUMENTS_AT: Final = 16

#: sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
_NEW_NAMESPACES: Final = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x7000_0000
#: ioctls that type into a terminal (ioctl_tty(2)).
_TIOCSTI: Final = 0x5412
_TIOCLINUX: Final = 0x541C
#: By these a file's owner is told of events by any signal, whoever that is (fcntl(2), ioctl FIOSETOWN).
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_FIOSETOWN, _SIOCSPGRP = 0x8901, 0x8902
_AF_INET: Final = 2
_AF_INET6: Final = 10
_AF_NETLINK: Final = 16
#: S_ISUID and S_ISGID: who executes such a file becomes its owner or group, also outside of the sandbox.
_SETS_ID: Final = 0o6000
#: O_CREAT and __O_TMPFILE: without them open(2) does not look at a mode, which may be anything.
_CREATES: Final = 0o100 | 0o20_000_000
_PLAIN_PERSONALITIES: Final = (0, 8, 0xFFFF_FFFF)  # PER_LINUX, PER_LINUX32, "just asking"

#: Never needed by a command, and each has been or may be a way out.
_DENIED: Final = (
    "_sysctl", "acct", "add_key", "adjtimex", "bpf", "chroot", "clock_adjtime", "clock_settime",
    "create_module", "delete_module", "fanotify_init", "fanotify_mark", "finit_module", "fsconfig",
    "fsmount", "fsopen", "fspick", "get_kernel_syms", "init_module", "io_uring_enter", "io_uring_register",
    "io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie",
    "migrate_pages", "modify_ldt", "mount", "mount_setattr", "move_mount", "move_pages", "name_to_handle_at",
    "nfsservctl", "open_by_handle_at", "open_tree", "open_tree_attr", "perf_event_open", "pidfd_getfd",
    "pivot_root", "process_madvise", "process_mrelease", "process_vm_readv", "process_vm_writev", "ptrace",
    "query_module", "quotactl", "quotactl_fd", "reboot", "request_key", "setdomainname", "sethostname",
    "setns", "settimeofday", "swapoff", "swapon", "syslog", "umount2", "unshare", "uselib", "userfaultfd",
    "ustat", "vhangup",
)  # fmt: skip
#: What namespaces close and Landlock leaves open (landlock(7): chmod, chown, setxattr, utime and more are not
#: restricted; System V and POSIX queues are not files; a watch tells what happens outside).
_DENIED_WITHOUT_NAMESPACES: Final = (
    "chmod", "chown", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "file_setattr", "fremovexattr",
    "fsetxattr", "futimesat", "inotify_add_watch", "inotify_init", "inotify_init1", "lchown", "lremovexattr",
    "lsetxattr", "mq_open", "msgget", "pidfd_open", "removexattr", "removexattrat", "semget", "setxattr",
    "setxattrat", "shmget", "utime", "utimes",
)  # fmt: skip
#: Signals, where Landlock cannot keep them in (before its ABI 6).
_SIGNALS: Final = (
    "kill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "tgkill", "tkill",
)  # fmt: skip
#: Calls on another process, or on a path: allowed only on oneself, or on an open file. (name, which argument
#: must be 0)
_ONLY_ON_ONESELF: Final = (
    ("ioprio_set", 1), ("prlimit64", 0), ("sched_setaffinity", 0), ("sched_setattr", 0),
    ("sched_setparam", 0), ("sched_setscheduler", 0), ("setpriority", 1), ("utimensat", 1),
)  # fmt: skip

#: Calls that give a file its mode, and which argument that is. mkdir(2) is none: it drops such bits.
_MODES: Final = (
    ("chmod", 1), ("creat", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2), ("mknod", 1),
    ("mknodat", 2),
)  # fmt: skip
#: Calls that may make a file, and which argument the flags are; the mode is the next.
_OPENS: Final = (("open", 1), ("openat", 2))

_Code = list[bytes]


def is_supported(machine: str | None = None) -> bool:
    """Whether there is a filter for this architecture."""
    return (machine or platform.machine()) in _ARCHITECTURES


def namespace_filter(*, network: bool, machine: str | None = None) -> bytes:
    """The program for commands that have namespaces of their own. Raises `KeyError` where unsupported."""
    return _program(_Builder(machine or platform.machine()), network=network, lone=False, signals=True)


def lone_filter(*, network: bool, signals: bool, machine: str | None = None) -> bytes:
    """The program for commands that share every namespace with the daemon.

    `signals`: whether something else keeps their signals in. Raises `KeyError` where unsupported.
    """
    return _program(_Builder(machine or platform.machine()), network=network, lone=True, signals=signals)


def _program(build: _Builder, *, network: bool, lone: bool, signals: bool) -> bytes:
    code = build.opening()
    denied = [*_DENIED, *(_DENIED_WITHOUT_NAMESPACES if lone else ()), *(() if signals else _SIGNALS)]
    for name in denied:
        code += build.when(name, [_fail(errno.EPERM)])
    # glibc falls back to clone, whose flags can be looked at; those of clone3 lie in memory.
    code += build.when("clone3", [_fail(errno.ENOSYS)])
    code += build.when("clone", [*_low(0), *_if(_ANY_BIT, _NEW_NAMESPACES, _fail(errno.EPERM)), _allow()])
    for name, argument in _MODES:
        if name not in denied:
            code += build.when(name, _without_bits(argument, _SETS_ID, errno.EPERM))
    for name, argument in _OPENS:
        code += build.when(name, _opening(argument))
    # Its mode lies in memory too; programs fall back to openat, which every kernel before 5.6 made them do.
    code += build.when("openat2", [_fail(errno.ENOSYS)])
    # Room that was never written is in nobody's account (safety.sandbox.disk); glibc then writes it.
    code += build.when("fallocate", [_fail(errno.EOPNOTSUPP)])
    owners = (_FIOSETOWN, _SIOCSPGRP) if lone else ()
    code += build.when("ioctl", _unless(1, (_TIOCSTI, _TIOCLINUX, *owners), errno.EPERM))
    if lone:
        code += build.when("fcntl", _unless(1, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX), errno.EPERM))
    code += build.when("personality", _only(0, _PLAIN_PERSONALITIES, errno.EPERM))
    code += build.when("socket", _sockets() if network else [_fail(errno.EAFNOSUPPORT)])
    for name, argument in _ONLY_ON_ONESELF if lone else ():
        code += build.when(name, _only_zero(argument))
    return b"".join([*code, _allow()])


class _Builder:
    """Instructions for one architecture."""

    def __init__(self, machine: str) -> None:
        self._audit, self._column = _ARCHITECTURES[machine]

    def opening(self) -> _Code:
        """Another architecture's calls kill; numbers nobody looked at fail as unknown to the kernel."""
        return [
            _step(_LOAD, _ARCH_AT),
            _step(_EQUAL, self._audit, 1, 0),
            _step(_RETURN, _KILL),
            _step(_LOAD, _NUMBER_AT),
            *_if(_AT_LEAST, X32_BIT, _fail(errno.ENOSYS)),
            *_if(_AT_LEAST, NEWEST + 1, _fail(errno.ENOSYS)),
        ]

    def when(self, name: str, block: _Code) -> _Code:
        """For this call do the block, which must return; nothing where there is no such call."""
        number = NUMBERS[name][self._column]
        return [] if number is None else [_step(_EQUAL, number, 0, len(block)), *block]


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _if(code: int, value: int, then: bytes) -> _Code:
    return [_step(code, value, 0, 1), then]


def _allow() -> bytes:
    return _step(_RETURN, _ALLOW)


def _fail(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)


def _low(argument: int) -> _Code:
    """Load the lower half of an argument; both architectures are little-endian."""
    return [_step(_LOAD, _ARGUMENTS_AT + 8 * argument)]


def _high(argument: int) -> _Code:
    return [_step(_LOAD, _ARGUMENTS_AT + 8 * argument + 4)]


def _unless(argument: int, values: Sequence[int], error: int) -> _Code:
    """Fail for these values, allow any other. The kernel takes 32 bits of them, so do we."""
    return [*_low(argument), *(step for each in values for step in _if(_EQUAL, each, _fail(error))), _allow()]


def _only(argument: int, values: Sequence[int], error: int) -> _Code:
    """Allow these values, fail for any other."""
    return [*_low(argument), *(step for each in values for step in _if(_EQUAL, each, _allow())), _fail(error)]


def _without_bits(argument: int, bits: int, error: int) -> _Code:
    """Fail where any of these bits is set. The kernel takes less than 32 bits of a mode."""
    return [*_low(argument), *_if(_ANY_BIT, bits, _fail(error)), _allow()]


def _opening(flags: int) -> _Code:
    """Allow what makes no file, and what makes one without a bit that sets an id."""
    return [
        *_low(flags),
        _step(_ANY_BIT, _CREATES, 1, 0),
        _allow(),
        *_without_bits(flags + 1, _SETS_ID, errno.EPERM),
    ]


def _only_zero(argument: int) -> _Code:
    """Allow the call where an argument, all 64 bits of it, is 0."""
    return [
        *_low(argument),
        _step(_EQUAL, 0, 1, 0),
        _fail(errno.EPERM),
        *_high(argument),
        *_if(_EQUAL, 0, _allow()),
        _fail(errno.EPERM),
    ]


def _sockets() -> _Code:
    """Internet sockets, and of netlink the one that name resolution asks for addresses."""
    return [
        *_low(0),
        *_if(_EQUAL, _AF_INET, _allow()),
        *_if(_EQUAL, _AF_INET6, _allow()),
        _step(_EQUAL, _AF_NETLINK, 1, 0),
        _fail(errno.EAFNOSUPPORT),
        *_low(2),
        *_if(_EQUAL, 0, _allow()),  # NETLINK_ROUTE
        _fail(errno.EAFNOSUPPORT),
    ]

"""What a hostile program tries in a sandbox, each attempt a few lines of Python.

Each calls `attempt`, which prints `denied` and the error, or `DONE`. They run one after the other in one
sandbox, each in a process of its own. A level where an attempt is not denied
because it does no harm there says so in `harmless`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from safety.work import Rights

PREAMBLE = """
import ctypes, errno, os, signal, socket, struct, sys
home, person, daemon, tcp_port, udp_port, unix_socket, abstract = sys.argv[1:]
daemon = int(daemon)
libc = ctypes.CDLL(None, use_errno=True)
arm = os.uname().machine == "aarch64"

def attempt(what, *given):
    try:
        found = what(*given)
    except OSError as error:
        print("denied", errno.errorcode.get(error.errno, error.errno), flush=True)
    else:
        print("DONE", str(found)[:200].replace("\\n", " "), flush=True)

def each(attempts):
    for name, source in attempts:
        print(f"{name}: ", end="", flush=True)
        child = os.fork()
        if child == 0:
            try:
                exec(source, globals())
            except BaseException as error:
                print("BROKEN", repr(error), flush=True)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if status:
            print("KILLED", status, flush=True)

def call(x86, aarch64, *given):
    result = libc.syscall(aarch64 if arm else x86, *given)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result

def read(path):
    with open(path, "rb") as file:
        return file.read(200)

def write(path, flags=os.O_WRONLY | os.O_CREAT | os.O_APPEND):
    return os.write(os.open(path, flags, 0o600), b"x")
"""


_READS = Rights()
_WRITES = Rights(workspace="write")
_L3 = ("bubblewrap",)


@dataclass(frozen=True)
class Attempt:
    """One thing that must be denied."""

    name: str
    source: str
    rights: Rights = _READS
    #: levels where it may succeed, since it reaches nothing outside
    harmless: tuple[str, ...] = ()


def program(attempts: Sequence[Attempt]) -> str:
    """Makes each attempt in a process of its own, and prints its name and what came of it."""
    return f"{PREAMBLE}\neach({[(each.name, each.source) for each in attempts]!r})\n"


READING = [
    Attempt("read /etc/shadow", 'attempt(read, "/etc/shadow")'),
    Attempt("list the person's directory", "attempt(os.listdir, person)"),
    Attempt("read a key of the person", 'attempt(read, person + "/.ssh/id")'),
    Attempt("list root's directory", 'attempt(os.listdir, "/root")'),
    Attempt("list /home", 'attempt(os.listdir, "/home")'),
    Attempt("read the token", 'attempt(read, home + "/.swarm/execution_token")'),
    Attempt("read the store", 'attempt(read, home + "/.swarm/state.db")'),
    Attempt("read the audit", 'attempt(read, home + "/.swarm/audit.jsonl")'),
    Attempt("list the state", 'attempt(os.listdir, home + "/.swarm")'),
    Attempt("read queue.json", 'attempt(read, home + "/queue.json")'),
    Attempt("read the settings", 'attempt(read, "../skep.toml")'),
    Attempt("follow a link out", 'attempt(read, "link-out")'),
    Attempt("follow a link to the state", 'attempt(read, "link-state/execution_token")'),
    Attempt("read the daemon's environment", 'attempt(read, f"/proc/{daemon}/environ")'),
    Attempt("read the daemon's memory", 'attempt(read, f"/proc/{daemon}/mem")'),
    Attempt("go through the daemon's root", 'attempt(read, f"/proc/{daemon}/root/etc/shadow")'),
    Attempt("go through the daemon's files", 'attempt(os.listdir, f"/proc/{daemon}/fd")'),
    Attempt("go through the first process", 'attempt(read, "/proc/1/root/etc/shadow")'),
    Attempt("read the machine's memory", 'attempt(read, "/dev/mem")'),
    Attempt("read a disk", 'attempt(lambda: [read("/dev/" + n) for n in ("vda", "sda", "nvme0n1")])'),
]

WRITING = [
    Attempt("write the workspace", 'attempt(write, "new.txt")'),
    Attempt("change a file of the workspace", 'attempt(write, "own.txt")'),
    Attempt("remove a file of the workspace", 'attempt(os.unlink, "own.txt")'),
    Attempt("write the token", 'attempt(write, home + "/.swarm/execution_token")', _WRITES),
    Attempt("write queue.json", 'attempt(write, home + "/queue.json", os.O_WRONLY | os.O_TRUNC)', _WRITES),
    Attempt("write through a link", 'attempt(write, "link-out")', _WRITES),
    Attempt("write beside the workspace", 'attempt(write, "../beside")', _WRITES, _L3),
    Attempt("write a person's file", 'attempt(write, person + "/planted")', _WRITES),
    Attempt("write /usr", 'attempt(write, "/usr/planted")', _WRITES),
    Attempt("write /etc", 'attempt(write, "/etc/planted")', _WRITES),
    Attempt("write the root", 'attempt(write, "/planted")', _WRITES),
    Attempt("write /dev", 'attempt(write, "/dev/planted")', _WRITES),
    Attempt(
        "write /sys", 'attempt(write, "/sys/kernel/mm/transparent_hugepage/enabled", os.O_WRONLY)', _WRITES
    ),
    Attempt("write a setting of the kernel", 'attempt(write, "/proc/sys/kernel/core_pattern")', _WRITES),
    Attempt("press the system key", 'attempt(write, "/proc/sysrq-trigger")', _WRITES),
    Attempt("link a file in from outside", 'attempt(os.link, person + "/.ssh/id", "in")', _WRITES),
    Attempt("link a file of .git out of it", 'attempt(os.link, ".git/config", "config")', _WRITES),
    Attempt("move .git away", 'attempt(os.rename, ".git", ".git2")', _WRITES),
    Attempt("change .git/config", 'attempt(write, ".git/config")', _WRITES),
    Attempt("plant a hook", 'attempt(write, ".git/hooks/pre-commit")', _WRITES),
    Attempt("move a hook in", 'attempt(lambda: (os.rename("own.txt", ".git/hooks/pre-commit")))', _WRITES),
    Attempt("remove .git/HEAD", 'attempt(os.unlink, ".git/HEAD")', _WRITES),
    Attempt("cut .git/config", 'attempt(os.truncate, ".git/config", 0)', _WRITES),
    Attempt("make a device", 'attempt(os.mknod, "null", 0o20666, os.makedev(1, 3))', _WRITES),
    Attempt("change the mode of the token", 'attempt(os.chmod, home + "/.swarm/execution_token", 0o666)'),
    Attempt("change the owner of the settings", 'attempt(os.chown, home + "/skep.toml", 65534, 65534)'),
    Attempt("change the times of queue.json", 'attempt(os.utime, home + "/queue.json", (0, 0))'),
]

#: Each would leave a file behind by which another user of the machine becomes the daemon's.
LENDING = [
    Attempt("set a user's id", 'attempt(os.chmod, "own.txt", 0o4755)', _WRITES),
    Attempt("set a group's id", 'attempt(os.chmod, "own.txt", 0o2755)', _WRITES),
    Attempt(
        "set an id by a handle",
        'attempt(lambda: os.fchmod(os.open("own.txt", os.O_RDONLY), 0o4755))',
        _WRITES,
    ),
    Attempt("set an id beneath a folder", "attempt(call, 268, 53, -100, b'own.txt', 0o4755)", _WRITES),
    Attempt("set an id by the newest call", "attempt(call, 452, 452, -100, b'own.txt', 0o6755, 0)", _WRITES),
    Attempt(
        "make a file that sets an id",
        'attempt(os.open, os.environ["HOME"] + "/a", os.O_WRONLY | os.O_CREAT, 0o4755)',
        _WRITES,
    ),
    Attempt(
        "make one without a name",
        'attempt(os.open, os.environ["HOME"], os.O_WRONLY | os.O_TMPFILE, 0o4755)',
        _WRITES,
    ),
    Attempt("make one as a node", 'attempt(os.mknod, os.environ["HOME"] + "/b", 0o104755)', _WRITES),
    Attempt(
        "make one by a mode in memory",
        'attempt(call, 437, 437, -100, os.environ["HOME"].encode() + b"/c",'
        ' struct.pack("QQQ", os.O_WRONLY | os.O_CREAT, 0o4755, 0), 24)',
        _WRITES,
    ),
]

REACHING_OUT = [
    Attempt("TCP", 'attempt(socket.create_connection, ("127.0.0.1", int(tcp_port)), 2)'),
    Attempt("TCP over IPv6", 'attempt(socket.create_connection, ("::1", int(tcp_port)), 2)'),
    Attempt(
        "UDP",
        "attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
        '.sendto(b"x", ("127.0.0.1", int(udp_port))))',
    ),
    Attempt("a Unix socket", "attempt(lambda: socket.socket(socket.AF_UNIX).connect(unix_socket))"),
    Attempt(
        "an abstract Unix socket", 'attempt(lambda: socket.socket(socket.AF_UNIX).connect("\\0" + abstract))'
    ),
    Attempt("listening", 'attempt(socket.create_server, ("127.0.0.1", 0))'),
    Attempt("a raw socket", "attempt(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)"),
    Attempt("a packet socket", "attempt(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 0)"),
    Attempt("netlink", "attempt(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, 0)"),
    Attempt("vsock", "attempt(socket.socket, 40, socket.SOCK_STREAM, 0)"),
]

SYSTEM_CALLS = [
    Attempt("ptrace", "attempt(call, 101, 117, 0, 0, 0, 0)"),
    Attempt("ptrace of the daemon", "attempt(call, 101, 117, 16, daemon, 0, 0)"),
    Attempt("process_vm_readv", "attempt(call, 310, 270, daemon, 0, 0, 0, 0, 0)"),
    Attempt("pidfd_getfd", "attempt(lambda: call(438, 438, os.pidfd_open(os.getppid()), 0, 0))"),
    Attempt("io_uring", "attempt(call, 425, 425, 8, ctypes.create_string_buffer(120))"),
    Attempt("mount", 'attempt(call, 165, 40, b"none", b"/tmp", b"tmpfs", 0, None)'),
    Attempt("remount", "attempt(call, 165, 40, None, os.getcwd().encode(), None, 0x1020, None)"),
    Attempt("umount", "attempt(call, 166, 39, os.getcwd().encode(), 2)"),
    Attempt("open_tree", "attempt(call, 428, 428, -100, b'/', 1)"),
    Attempt("pivot_root", "attempt(call, 155, 41, b'.', b'.')"),
    Attempt("chroot", 'attempt(os.chroot, ".")'),
    Attempt("a new user namespace", "attempt(call, 272, 97, 0x10000000)"),
    Attempt("a new mount namespace", "attempt(call, 272, 97, 0x00020000)"),
    Attempt("clone into a user namespace", "attempt(call, 56, 220, 0x10000000 | 17, 0, 0, 0, 0)"),
    Attempt("clone3", "attempt(call, 435, 435, ctypes.create_string_buffer(88), 88)"),
    Attempt("setns", 'attempt(lambda: call(308, 268, os.open("/proc/self/ns/net", 0), 0))'),
    Attempt("bpf", "attempt(call, 321, 280, 0, ctypes.create_string_buffer(128), 128)"),
    Attempt("userfaultfd", "attempt(call, 323, 282, 1)"),
    Attempt("perf_event_open", "attempt(call, 298, 241, ctypes.create_string_buffer(128), 0, -1, -1, 0)"),
    Attempt("keyctl", "attempt(call, 250, 219, 0, -3, 0, 0, 0)"),
    Attempt("add_key", 'attempt(call, 248, 217, b"user", b"a", b"b", 1, -3)'),
    Attempt("name_to_handle_at", "attempt(call, 303, 264, -100, b'.', bytes(200), bytes(8), 0)"),
    Attempt("switching off address randomness", "attempt(call, 135, 92, 0x0040000)"),
    Attempt("a call nobody knows yet", "attempt(call, 4000, 4000)"),
    Attempt("x32", "attempt(call, 0x40000000 | 39, 4000)"),
    Attempt("what only root may", "attempt(os.setgroups, [0])"),
    Attempt("typing into a terminal", 'import fcntl\nattempt(fcntl.ioctl, 0, 0x5412, b"x")'),
    Attempt("setting the clock", "import time\nattempt(time.clock_settime, time.CLOCK_REALTIME, 0)"),
    Attempt("the kernel's log", "attempt(call, 103, 116, 3, ctypes.create_string_buffer(64), 64)"),
    Attempt("a kernel module", "attempt(call, 313, 273, 0, b'', 0)"),
]

OTHER_PROCESSES = [
    Attempt("a signal to the daemon", "attempt(os.kill, daemon, 0)"),
    Attempt("a signal by pidfd", "attempt(lambda: signal.pidfd_send_signal(os.pidfd_open(daemon), 0))"),
    Attempt(
        "a signal by what is told to a file's owner",
        "import fcntl\npair = socket.socketpair()\n"
        "attempt(lambda: (fcntl.fcntl(pair[0], 10, 0), fcntl.fcntl(pair[0], fcntl.F_SETOWN, daemon)))",
    ),
    Attempt("a limit of the daemon", "import resource\nattempt(resource.prlimit, daemon, 7, (8, 8))"),
    Attempt("the daemon's priority", "attempt(os.setpriority, os.PRIO_PROCESS, daemon, 19)"),
    Attempt("the daemon's scheduling", "attempt(os.sched_setaffinity, daemon, {0})"),
]

ALL = [*READING, *WRITING, *LENDING, *REACHING_OUT, *SYSTEM_CALLS, *OTHER_PROCESSES]

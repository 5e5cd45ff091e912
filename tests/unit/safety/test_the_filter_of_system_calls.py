"""The seccomp program, run by a small interpreter of classic BPF: no kernel is needed to see what it says."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from safety.sandbox import seccomp
from safety.sandbox.syscalls import NEWEST, NUMBERS

ALLOW, KILL = "allow", "kill"
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


class Machine:
    """A program on one architecture."""

    def __init__(self, name: str, program: bytes) -> None:
        self.name = name
        self._steps = list(struct.iter_unpack("=HBBI", program))

    def call(self, what: str | int, *arguments: int, architecture: int | None = None) -> str | int:
        """What comes of a call: allow, kill, or the error."""
        number = what if isinstance(what, int) else NUMBERS[what][list(ARCHITECTURES).index(self.name)]
        assert number is not None
        given = [*arguments, *[0] * (6 - len(arguments))]
        audit = ARCHITECTURES[self.name] if architecture is None else architecture
        data = struct.pack("=IIQ6Q", number, audit, 0, *given)
        return self._run(data)

    def _run(self, data: bytes) -> str | int:
        at, loaded = 0, 0
        while True:
            code, yes, no, value = self._steps[at]
            at += 1
            if code == 0x20:
                (loaded,) = struct.unpack_from("=I", data, value)
            elif code == 0x06:
                return {0x7FFF0000: ALLOW, 0x80000000: KILL}.get(value) or value & 0xFFFF
            else:
                holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
                at += yes if holds else no


def strict(name: str) -> Machine:
    return Machine(name, seccomp.lone_filter(network=False, signals=False, machine=name))


@pytest.fixture(params=list(ARCHITECTURES))
def machine(request: pytest.FixtureRequest) -> Machine:
    return Machine(request.param, seccomp.namespace_filter(network=False, machine=request.param))


def test_what_every_program_needs_is_allowed(machine: Machine) -> None:
    ordinary = {
        "x86_64": (0, 1, 2, 9, 12, 39, 59, 231, 257),
        "aarch64": (56, 57, 63, 64, 93, 172, 214, 221, 222),
    }

    assert {machine.call(number) for number in ordinary[machine.name]} == {ALLOW}


@pytest.mark.parametrize(
    "name", ["mount", "unshare", "ptrace", "io_uring_setup", "bpf", "keyctl", "userfaultfd"]
)
def test_ways_out_are_denied(machine: Machine, name: str) -> None:
    assert machine.call(name) == errno.EPERM


def test_other_architectures_kill(machine: Machine) -> None:
    assert machine.call(0, architecture=0x40000003) == KILL  # i386


def test_what_nobody_looked_at_is_unknown(machine: Machine) -> None:
    assert machine.call(NEWEST) == ALLOW
    assert machine.call(NEWEST + 1) == errno.ENOSYS
    assert machine.call(0x40000000) == errno.ENOSYS
    assert machine.call("clone3") == errno.ENOSYS


@pytest.mark.parametrize(
    ("flags", "came"),
    [
        (17, ALLOW),
        (0x3D0F00, ALLOW),
        (0x10000011, errno.EPERM),
        (0x20000, errno.EPERM),
        (0x40000000, errno.EPERM),
    ],
)
def test_clone_makes_processes_and_threads_and_no_namespaces(
    machine: Machine, flags: int, came: str | int
) -> None:
    assert machine.call("clone", flags) == came


def test_nothing_is_typed_into_terminals(machine: Machine) -> None:
    assert machine.call("ioctl", 0, 0x5401) == ALLOW
    assert machine.call("ioctl", 0, 0x5412) == errno.EPERM
    assert machine.call("ioctl", 0, 0xFFFFFFFF00005412) == errno.EPERM  # the kernel takes 32 bits of it


def test_no_socket_without_the_network_and_few_with_it(machine: Machine) -> None:
    online = Machine(machine.name, seccomp.namespace_filter(network=True, machine=machine.name))

    assert {machine.call("socket", family) for family in range(50)} == {errno.EAFNOSUPPORT}
    assert [family for family in range(50) if online.call("socket", family, 1, 0) == ALLOW] == [2, 10, 16]
    assert online.call("socket", 16, 3, 9) == errno.EAFNOSUPPORT  # the audit's netlink


#: Which argument the mode is.
MODES = {
    "chmod": 1, "creat": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "mknod": 1, "mknodat": 2,
}  # fmt: skip
O_CREAT, O_TMPFILE = 0o100, 0o20200000


def there_are(*names: str) -> list[tuple[str, str]]:
    """Each of these calls on each architecture that has it."""
    return [
        (name, each)
        for column, name in enumerate(ARCHITECTURES)
        for each in names
        if NUMBERS[each][column] is not None
    ]


@pytest.mark.parametrize(("architecture", "name"), there_are(*MODES))
def test_no_file_gets_a_mode_by_which_others_become_its_owner_or_group(architecture: str, name: str) -> None:
    machine = Machine(architecture, seccomp.namespace_filter(network=False, machine=architecture))

    def comes_of(mode: int) -> str | int:
        return machine.call(name, *[0] * MODES[name], mode)

    assert {comes_of(bits | 0o755) for bits in (0o4000, 0o2000, 0o6000)} == {errno.EPERM}
    assert comes_of(0xFFFFFFFF << 32 | 0o4000) == errno.EPERM  # the kernel takes 16 bits of it
    assert {comes_of(mode) for mode in (0, 0o755, 0o1777, 0o100644)} == {ALLOW}


@pytest.mark.parametrize(("architecture", "name"), there_are("open", "openat"))
def test_no_file_is_made_with_such_a_mode_and_where_none_is_made_the_mode_says_nothing(
    architecture: str, name: str
) -> None:
    machine = Machine(architecture, seccomp.namespace_filter(network=False, machine=architecture))

    def comes_of(flags: int, mode: int) -> str | int:
        return machine.call(name, *[0] * (2 if name == "openat" else 1), flags, mode)

    making = (O_CREAT, O_CREAT | 1, O_TMPFILE | 2)
    assert {comes_of(flags, mode) for flags in making for mode in (0o4755, 0o2755)} == {errno.EPERM}
    assert {comes_of(flags, mode) for flags in making for mode in (0o644, 0o1777)} == {ALLOW}
    assert comes_of(1, 0xFFFFFFFF) == ALLOW


def test_a_call_whose_mode_lies_in_memory_is_unknown(machine: Machine) -> None:
    assert machine.call("openat2") == errno.ENOSYS


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_without_namespaces_files_are_made_under_the_same_rule(name: str) -> None:
    lone = strict(name)

    assert lone.call("openat", 0, 0, O_CREAT, 0o4755) == lone.call("mknodat", 0, 0, 0o104755) == errno.EPERM
    assert lone.call("openat", 0, 0, O_CREAT, 0o644) == ALLOW
    assert lone.call("openat2") == errno.ENOSYS


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_without_namespaces_more_is_denied(name: str) -> None:
    lone, held = strict(name), Machine(name, seccomp.lone_filter(network=False, signals=True, machine=name))

    assert {
        lone.call(call) for call in ("fchmodat", "fchownat", "fsetxattr", "inotify_add_watch", "mq_open")
    } == {errno.EPERM}
    assert (lone.call("kill"), held.call("kill")) == (errno.EPERM, ALLOW)
    assert (lone.call("prlimit64", 0, 7), lone.call("prlimit64", 1, 7)) == (ALLOW, errno.EPERM)
    assert lone.call("prlimit64", 1 << 32, 7) == errno.EPERM
    assert (lone.call("fcntl", 0, 1), lone.call("fcntl", 0, 8)) == (ALLOW, errno.EPERM)
    assert (lone.call("utimensat", 3, 0), lone.call("utimensat", 3, 4096)) == (ALLOW, errno.EPERM)


def test_an_unknown_architecture_has_no_filter() -> None:
    assert not seccomp.is_supported("riscv64")
    with pytest.raises(KeyError):
        seccomp.namespace_filter(network=False, machine="riscv64")


@pytest.mark.parametrize(
    ("header", "column"),
    [("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 0), ("/usr/include/asm-generic/unistd.h", 1)],
)
def test_the_numbers_are_those_of_the_kernels_headers(header: str, column: int) -> None:
    path = Path(header)
    if not path.exists():
        pytest.skip(f"{header} is not installed")
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)$", path.read_text(), re.MULTILINE))

    known = {name: numbers[column] for name, numbers in NUMBERS.items() if name in found}

    assert known == {name: int(found[name]) for name in known}
    assert len(known) > 60

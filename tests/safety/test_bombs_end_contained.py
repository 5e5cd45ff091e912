"""What uses up processes, memory, disk, time or output is ended, nothing of it is left, and work goes on."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

import host_platform
from safety.sandbox import Command, landlock
from tests.safety import bombs
from tests.safety.conftest import MakeJail
from tests.safety.jail import PYTHON, WRITES, Jail

MIB = 1024 * 1024


def goes_on(jail: Jail) -> bool:
    """Whether the next command is run as if nothing had been."""
    ended, printed = jail.shell("echo fine")
    return (ended.exit_code, printed) == (0, "fine\n")


def test_a_fork_bomb_ends_at_its_time_and_others_run_meanwhile(make_jail: MakeJail, tmp_path: Path) -> None:
    jail, name = make_jail(sandbox_processes=32), bombs.name_of(tmp_path)
    ended = []
    bomb = threading.Thread(target=lambda: ended.append(jail.python(bombs.FORKS, name, limit_s=1.0)[0]))
    bomb.start()

    assert goes_on(jail)
    bomb.join(60)

    assert [one.over for one in ended] == ["time"]
    assert bombs.left_of(name) == []
    assert goes_on(jail)


def test_what_leaves_its_parent_and_its_session_is_gone_with_the_command(jail: Jail, tmp_path: Path) -> None:
    name = bombs.name_of(tmp_path)
    leave = """
import os, sys, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        for number in (0, 1, 2):
            os.close(number)
        os.environ.clear()
        time.sleep(600)
print("left them")
"""
    ended, printed = jail.python(leave, name)

    assert (ended.over, printed) == ("command", "left them\n")
    assert bombs.left_of(name) == []


def test_memory_of_a_process_ends_at_its_bound(make_jail: MakeJail) -> None:
    jail = make_jail(sandbox_memory_bytes=128 * MIB)

    ended, printed = jail.python(bombs.MEMORY)

    assert ended.over == "command"
    assert "MemoryError" in printed or ended.exit_code == -signal.SIGKILL
    assert goes_on(jail)


def test_memory_of_many_processes_is_counted_together_where_a_cgroup_can_be_made(make_jail: MakeJail) -> None:
    jail = make_jail(sandbox_memory_bytes=256 * MIB)
    if "memory" not in jail.standing.bounds:
        pytest.skip(f"no memory cgroup here: {jail.standing.bounds}")

    ended, printed = jail.python(bombs.MEMORY_OF_MANY, limit_s=10.0)

    assert str(-signal.SIGKILL) in printed.split() or ended.exit_code == -signal.SIGKILL
    assert goes_on(jail)


@pytest.mark.parametrize("bomb", ["FILES", "UNLINKED_FILES"])
def test_many_files_end_at_the_bound_for_all_of_them(make_jail: MakeJail, bomb: str) -> None:
    jail = make_jail(sandbox_disk_bytes=32 * MIB, sandbox_file_bytes=8 * MIB)
    if bomb == "UNLINKED_FILES" and host_platform.file_system_type(jail.home.root) == "tmpfs":
        pytest.skip("a tmpfs does not count who wrote")

    ended, _ = jail.python(getattr(bombs, bomb), str(jail.home.workspace), rights=WRITES)

    assert (ended.over, ended.exit_code) == ("disk", -signal.SIGKILL)
    assert goes_on(jail)


def test_its_own_tmp_has_a_size(make_jail: MakeJail) -> None:
    jail = make_jail(sandbox_tmp_bytes=16 * MIB, sandbox_disk_bytes=32 * MIB)

    ended, printed = jail.python(f'import os, sys\nsys.argv.append(os.environ["HOME"])\n{bombs.FILES}')

    assert "No space left" in printed if jail.level == "bubblewrap" else ended.over == "disk"
    jail.sandbox.close()  # what waited had a directory too
    assert list((jail.home.state / "sandbox").glob("tmp/*")) == []


@pytest.mark.parametrize("place", ["/dev/shm", "/dev", "/", "/etc", "/proc"])
def test_no_other_place_takes_more(make_jail: MakeJail, place: str) -> None:
    jail = make_jail(sandbox_tmp_bytes=16 * MIB)

    ended, printed = jail.python(bombs.FILES, place)

    assert ended.exit_code == 1
    assert any(
        word in printed for word in ("No space left", "Read-only", "Permission denied", "No such file")
    )


def test_a_file_has_a_size(make_jail: MakeJail) -> None:
    jail = make_jail(sandbox_file_bytes=4 * MIB)

    ended, _ = jail.shell("exec head -c 5000000 /dev/zero >long", rights=WRITES)

    assert ended.exit_code == -signal.SIGXFSZ
    assert (jail.home.workspace / "long").stat().st_size == 4 * MIB


def test_cpu_has_a_bound_of_its_own(make_jail: MakeJail) -> None:
    jail = make_jail(sandbox_cpu_s=0.5)

    ended, _ = jail.shell("while :; do :; done")

    assert ended.exit_code == -signal.SIGXCPU


def test_open_files_have_a_bound(make_jail: MakeJail) -> None:
    jail = make_jail(sandbox_open_files=32)

    _, printed = jail.python("held = []\nwhile True: held.append(open('/dev/null'))")

    assert "Too many open files" in printed


def test_limits_cannot_be_raised_again(make_jail: MakeJail) -> None:
    jail = make_jail(sandbox_open_files=32)

    _, printed = jail.python("import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))")

    assert "not allowed to raise" in printed or "not permitted" in printed


def test_endless_output_is_read_on_until_its_time_is_over(jail: Jail) -> None:
    followed = jail.sandbox.launch(Command(argv=("/usr/bin/yes",), limit_s=0.5))
    taken = 0

    def count(data: bytes) -> None:
        nonlocal taken
        taken += len(data)

    ended = followed.follow(count)

    assert (ended.over, taken > MIB) == ("time", True)


def test_ten_gigabytes_of_output_come_through_and_nothing_is_held(make_jail: MakeJail) -> None:
    jail = make_jail()
    if jail.level != "bubblewrap":
        pytest.skip("one level shows it")
    followed = jail.sandbox.launch(
        Command(argv=("/usr/bin/head", "-c", "10000000000", "/dev/zero"), limit_s=100)
    )
    taken = 0

    def count(data: bytes) -> None:
        nonlocal taken
        taken += len(data)

    ended = followed.follow(count)

    assert (ended.exit_code, taken) == (0, 10_000_000_000)


def test_it_can_be_killed_from_another_thread_at_any_time(jail: Jail, tmp_path: Path) -> None:
    name = bombs.name_of(tmp_path)
    followed = jail.sandbox.launch(
        Command(argv=(PYTHON, "-c", "import time; time.sleep(600)", name), limit_s=600)
    )
    threading.Timer(0.2, followed.kill).start()
    began = time.monotonic()

    ended = followed.follow(lambda _: None)
    followed.kill()

    assert (ended.exit_code, bombs.left_of(name)) == (-signal.SIGKILL, [])
    assert time.monotonic() - began < 60


def test_without_scopes_signals_stay_in_and_the_launcher_kills_round_by_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 5)
    jail, name = Jail(tmp_path / "home", "landlock", sandbox_processes=32), bombs.name_of(tmp_path)
    try:
        jail.require()
        _, printed = jail.python("import os\nos.kill(os.getppid(), 0)")
        ended, _ = jail.python(bombs.FORKS, name, limit_s=1.0)
    finally:
        jail.close()

    assert "PermissionError" in printed
    assert (ended.over, bombs.left_of(name)) == ("time", [])

"""A supervised process: kept up with a growing wait, tied to its supervisor by a pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import host_platform
from supervisor.child import FIRST_WAIT_S, LONGEST_WAIT_S, SETTLED_S, STEADY_S, Child
from supervisor.forking import ForkServer
from supervisor.spawning import ByExec, Spawner

ROOT = Path(__file__).resolve().parents[3]

#: A module that can be started as a child; it tells its pid and then does as its argument says.
STUB = """
import os, signal, sys

def main(arguments, prog_name=""):
    how, told, last = arguments
    with open(told, "a") as file:
        file.write(f"{os.getpid()} {os.getpgrp()} {last}\\n")
    if how == "fall":
        sys.exit(7)
    if how == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("up", file=open(told + ".up", "w"))
    sys.stdin.read()

if __name__ == "__main__":
    main(sys.argv[1:])
"""


def by_exec() -> Spawner:
    return ByExec()


def by_fork() -> Spawner:
    if not host_platform.CAN_FORK_SERVERS:
        pytest.skip("processes are forked on Linux alone")
    return ForkServer(["stub_process"])


@pytest.fixture(params=[by_exec, by_fork], ids=["by exec", "by fork"])
def spawner(request: pytest.FixtureRequest, told: Path) -> Iterator[Spawner]:
    spawner = request.param()
    yield spawner
    spawner.close()


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stub_process.py").write_text(STUB)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "told"


@pytest.fixture
def make(told: Path, spawner: Spawner) -> Iterator:
    made: list[Child] = []

    def make(how: str) -> Child:
        made.append(Child("stub", ["stub_process", how, str(told)], spawner=spawner))
        return made[-1]

    yield make
    for child in made:
        child.end_now()


def wait_until(is_so) -> None:
    while not is_so():
        time.sleep(0.005)


def fall(child: Child, now: float) -> int:
    """Start it if it is due and wait until it has fallen; its exit code."""
    assert child.keep_up(now) is None
    assert child.wait(60)
    code = child.keep_up(now)
    assert code is not None
    return code


def test_a_child_that_falls_is_started_again_after_a_wait_that_doubles_up_to_a_bound(make, told):
    child, now = make("fall"), 1000.0
    for number in range(3):
        assert fall(child, now) == 7
        wait = FIRST_WAIT_S * 2**number
        assert child.keep_up(now + wait * 0.99) is None
        assert child.pid is None
        assert len(told.read_text().splitlines()) == number + 1
        now += wait
    child._falls = 5_000
    assert fall(child, now) == 7
    assert child.keep_up(now + LONGEST_WAIT_S * 0.99) is None
    assert child.pid is None
    child.keep_up(now + LONGEST_WAIT_S)
    assert child.wait(60)


def test_a_fall_after_a_steady_time_counts_as_the_first(make):
    child, now = make("fall"), 1000.0
    fall(child, now)
    now += FIRST_WAIT_S
    child.keep_up(now)
    assert child.wait(60)
    now += STEADY_S + 1
    assert child.keep_up(now) == 7
    child.keep_up(now + FIRST_WAIT_S)
    assert child.wait(60)


def test_a_child_has_a_process_group_of_its_own_and_knows_it_is_supervised(make, told):
    child = make("stay")
    child.keep_up(0.0)
    wait_until(Path(f"{told}.up").exists)
    pid, group, last = told.read_text().split()
    assert int(pid) == int(group) == child.pid
    assert int(group) != os.getpgrp()
    assert last == "--supervised"


def test_a_child_that_is_up_is_left_alone(make, told):
    child = make("stay")
    child.keep_up(0.0)
    wait_until(Path(f"{told}.up").exists)
    assert child.keep_up(1e9) is None
    assert len(told.read_text().splitlines()) == 1


def test_it_goes_when_asked_and_one_that_does_not_is_ended(make, told):
    polite, deaf = make("stay"), make("deaf")
    polite.keep_up(0.0)
    wait_until(Path(f"{told}.up").exists)
    polite.ask_to_stop()
    assert polite.wait(60)
    Path(f"{told}.up").unlink()
    deaf.keep_up(0.0)
    wait_until(Path(f"{told}.up").exists)
    deaf.ask_to_stop()
    assert not deaf.wait(0.1)
    deaf.end_now()
    assert deaf.pid is None


def test_before_it_is_started_there_is_nothing_to_stop(make):
    child = make("stay")
    child.ask_to_stop()
    assert child.wait(0)
    child.end_now()
    assert child.pid is None


@pytest.mark.parametrize("spawner_made", ["ByExec()", "forking.spawner(['stub_process'])"])
def test_when_the_supervisor_is_killed_the_child_goes_too(told, spawner_made):
    supervisor = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from supervisor import forking\n"
        "from supervisor.child import Child\n"
        "from supervisor.spawning import ByExec\n"
        f"child = Child('stub', ['stub_process', 'stay', sys.argv[2]], spawner={spawner_made})\n"
        "child.keep_up(0.0)\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", supervisor, str(ROOT), str(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    wait_until(Path(f"{told}.up").exists)
    watch = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    if watch is None:
        pytest.skip("waiting for a process that is not a child needs pidfd_open (Linux)")
    import select

    assert select.select([watch], [], [], 60)[0] == [watch]
    os.close(watch)


def test_a_process_is_steady_once_it_stayed_up_for_a_while_and_never_while_it_is_down(make):
    child = make("stay")
    assert not child.is_steady(1000.0)
    child.keep_up(1000.0)
    assert not child.is_steady(1000.0 + SETTLED_S)
    assert child.is_steady(1000.1 + SETTLED_S)
    child.end_now()
    assert not child.is_steady(1000.1 + SETTLED_S)

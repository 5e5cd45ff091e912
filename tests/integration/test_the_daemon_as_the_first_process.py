"""What starts as PID 1, as in a container: bubblewrap makes it the first process of a namespace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, cast

import pytest

REPOSITORY = Path(__file__).parents[2]
AS_FIRST = ("--unshare-pid", "--as-pid-1", "--dev-bind", "/", "/", "--proc", "/proc", "--die-with-parent")
FREE_PORT = os.environ | {"SKEP_SWARM_PORT": "0"}

AN_ORPHAN = """
def orphan():
    told, tell = os.pipe()
    if os.fork() == 0:
        pid = os.fork()
        if pid:
            os.write(tell, b"%d" % pid)
        os._exit(0)
    os.wait()
    return int(os.read(told, 100))
"""
BEGIN = "import os, signal, sys, time\nfrom supervisor import first_process\n"


@pytest.fixture(scope="module")
def as_first_process():
    """The words before a command that make it the first process of its own namespace."""
    program = shutil.which("bwrap")
    words = [program or "bwrap", *AS_FIRST]
    if program is None or subprocess.run([*words, "true"], check=False).returncode:
        if os.environ.get("CI") == "true":
            pytest.fail("bubblewrap cannot make a namespace of processes here")
        pytest.skip("bubblewrap cannot make a namespace of processes here")
    return words


def run(words, script):
    return subprocess.run(
        [*words, sys.executable, "-c", BEGIN + script],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_orphans_are_taken_away_when_they_end(as_first_process):
    ended = run(
        as_first_process,
        AN_ORPHAN
        + "first_process.go_on_below()\n"
        + "for pid in [orphan() for _ in range(20)]:\n"
        + "    while os.path.exists(f'/proc/{pid}'): time.sleep(0.01)\n"
        + "print(os.getpid() > 1)\n",
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"True\n", b"")


@pytest.mark.parametrize(
    ("end", "code"),
    [("sys.exit(75)", 75), ("os.kill(os.getpid(), signal.SIGKILL)", 128 + 9), ("1 / 0", 1)],
)
def test_its_end_is_the_end_of_the_daemon(as_first_process, end, code):
    assert run(as_first_process, f"first_process.go_on_below()\n{end}").returncode == code


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_a_signal_to_it_reaches_the_daemon_once(as_first_process, name):
    ended = run(
        as_first_process,
        "first_process.go_on_below()\n"
        f"signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.{name}, signal.SIGALRM}})\n"
        f"os.kill(1, signal.{name})\n"
        f"first = signal.sigwait({{signal.{name}}})\n"
        f"second = signal.sigtimedwait({{signal.{name}}}, 0.2)\n"
        "print(first.name, second)\n",
    )

    assert (ended.stdout, ended.stderr) == (f"{name} None\n".encode(), b"")


def test_skep_up_leaves_no_zombies_and_stops_when_asked(as_first_process, tmp_path):
    skep = Path(sys.executable).with_name("skep")
    subprocess.run([skep, "init", tmp_path], check=True, capture_output=True)
    begin = 'sh -c "sleep 0.3 & exec true"; exec "$0" --home "$1" up --no-panel --json'
    words = [*as_first_process, "sh", "-c", begin, skep, tmp_path]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=FREE_PORT) as daemon:
        try:
            assert any('"daemon.started"' in line for line in cast(IO[str], daemon.stdout))
            (first,) = children(daemon.pid)
            while [pid for pid in children(first) if state(pid) == "Z"]:
                time.sleep(0.01)
            assert len(children(first)) == 1
            os.kill(first, signal.SIGTERM)
            daemon.communicate()
            assert daemon.returncode == 0
        finally:
            daemon.kill()


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None

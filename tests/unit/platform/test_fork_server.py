"""Processes forked from one that has imported everything: as good as programs of their own."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import host_platform
from supervisor import forking
from supervisor.forking import UNKNOWN_END, ForkServer
from supervisor.spawning import ByExec, Spawned

pytestmark = pytest.mark.skipif(
    not host_platform.CAN_FORK_SERVERS, reason="processes are forked on Linux alone"
)

MODULE = """
import json, os, sys
{at_import}

def main(arguments, prog_name=""):
    told, *rest = arguments
    with open(told, "w") as file:
        json.dump({{
            "pid": os.getpid(), "parent": os.getppid(), "said": rest, "variable": os.environ.get("SAID"),
            "argv": sys.argv, "open": sorted(map(int, os.listdir("/proc/self/fd"))),
            "threads": len(os.listdir("/proc/self/task")),
        }}, file)
    os.rename(told, told + ".whole")
    sys.stdin.read()
    sys.exit(5)

if __name__ == "__main__":
    main(sys.argv[1:])
"""

Start = Callable[..., tuple[Spawned, dict]]


def wait_until(is_so: Callable[[], object]) -> None:
    while not is_so():
        time.sleep(0.005)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A module to be run, with something to be done when it is imported; its name."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(at_import: str = "") -> str:
        (tmp_path / "forked_stub.py").write_text(MODULE.format(at_import=at_import))
        return "forked_stub"

    return write


@pytest.fixture
def server(module: Callable[[str], str]) -> Iterator[ForkServer]:
    server = ForkServer([module("")])
    yield server
    server.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    begun: list[Spawned] = []

    def start(by: ForkServer, *said: str, **environment: str) -> tuple[Spawned, dict]:
        told = tmp_path / f"told-{len(begun)}"
        begun.append(by.start(["forked_stub", str(told), *said], environment))
        whole = Path(f"{told}.whole")
        wait_until(whole.exists)
        return begun[-1], json.loads(whole.read_text())

    yield start
    for spawned in begun:
        end(spawned)


def end(spawned: Spawned) -> None:
    spawned.send(signal.SIGKILL)
    wait_until(lambda: spawned.poll() is not None)
    spawned.let_go()


def server_of(told: dict) -> int:
    return int(told["parent"])


def test_a_process_has_its_own_words_variables_and_nothing_of_its_siblings(server, start):
    first, told = start(server, "one", SAID="first")
    _, other = start(server, "two")

    assert told["pid"] == first.pid
    assert told["said"] == ["one"]
    assert told["variable"] == "first"
    assert told["argv"][0] == "forked_stub"
    assert other["variable"] is None
    assert server_of(told) == server_of(other) != os.getpid()
    assert other["open"][:3] == [0, 1, 2]
    assert len(other["open"]) == 5  # and the file that is written, the folder that is listed
    assert other["threads"] == 1


def test_a_process_is_told_from_the_others_by_its_command_line(server, start):
    spawned, _ = start(server, "one")
    shown = Path(f"/proc/{spawned.pid}/cmdline").read_bytes().rstrip(b"\0").decode()
    assert " -m forked_stub " in shown
    assert shown.endswith(" one")


def test_its_exit_code_is_told_and_so_is_the_signal_that_ended_it(server, start):
    falls = server.start(["forked_stub"], {})  # without the argument it needs
    killed, _ = start(server)
    assert killed.poll() is None

    killed.send(signal.SIGKILL)

    wait_until(lambda: killed.poll() is not None and falls.poll() is not None)
    assert killed.poll() == -signal.SIGKILL
    assert falls.poll() == 1
    falls.let_go()


def test_a_pipe_that_closes_ends_its_own_process_alone(server, start, tmp_path):
    _, told = start(server)
    other = server.start(["forked_stub", str(tmp_path / "other")], {})
    one, another = os.pidfd_open(told["pid"]), os.pidfd_open(other.pid)

    other.let_go()

    assert select.select([one, another], [], [], 60)[0] == [another]
    os.close(one)
    os.close(another)


def test_processes_outlive_their_server_and_the_next_has_a_new_one(server, start):
    spawned, told = start(server)
    os.kill(server_of(told), signal.SIGKILL)

    other, of_other = start(server)

    assert spawned.poll() is None
    assert server_of(of_other) not in (server_of(told), os.getpid())
    spawned.send(signal.SIGKILL)
    wait_until(lambda: spawned.poll() is not None)
    assert spawned.poll() == UNKNOWN_END
    assert other.poll() is None


def test_a_server_that_is_stopped_keeps_nobody_waiting(server, start, monkeypatch):
    monkeypatch.setattr(forking, "PATIENCE_S", 0.05)
    spawned, told = start(server)
    os.kill(server_of(told), signal.SIGSTOP)
    spawned.send(signal.SIGKILL)
    wait_until(lambda: not spawned.is_alive())

    assert spawned.poll() == UNKNOWN_END
    _, other = start(server)

    assert server_of(other) not in (server_of(told), os.getpid())


def test_a_server_that_is_stopped_before_it_is_ready_keeps_nobody_waiting(module, start, monkeypatch):
    monkeypatch.setattr(forking, "PATIENCE_S", 0.05)
    before = children()
    server = ForkServer([module("")])
    (first,) = children() - before
    os.kill(first, signal.SIGSTOP)
    try:
        _, told = start(server)

        assert server_of(told) != first
        assert first not in children()
    finally:
        server.close()


def test_a_server_that_has_ended_is_taken_away_while_nothing_is_begun(server, start):
    _, told = start(server)
    os.kill(server_of(told), signal.SIGKILL)

    wait_until(lambda: host_platform.process_start(server_of(told)) < 0)  # a zombie, or gone
    server.tend()

    assert server_of(told) not in children()


def children() -> set[int]:
    listed = (file.read_text() for file in Path("/proc/self/task").glob("*/children"))
    return {int(word) for text in listed for word in text.split()}


def test_a_supervisor_that_may_open_no_more_is_told_so_and_leaves_nothing_open(server, start, tmp_path):
    start(server)
    before, (soft, hard) = open_files(), resource.getrlimit(resource.RLIMIT_NOFILE)
    room_for_a_pipe = sorted(set(range(1024)) - before)[2]
    resource.setrlimit(resource.RLIMIT_NOFILE, (room_for_a_pipe, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            server.start(["forked_stub", str(tmp_path / "unused")], {})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert open_files() == before


def open_files() -> set[int]:
    return {int(each.name) for each in Path("/proc/self/fd").iterdir() if each.exists()}


def test_arguments_need_not_be_text(server, tmp_path):
    told = tmp_path / os.fsdecode(b"told-\xff")
    spawned = server.start(["forked_stub", str(told)], {})
    wait_until(Path(f"{told}.whole").exists)
    end(spawned)


def test_rules_that_cannot_be_read_are_told_by_the_process_that_needs_them(module, start, caplog):
    wrong = "def get_ready():\n    from errors import SkepError\n    raise SkepError('wrong')"
    server = ForkServer([module(wrong)])
    _, told = start(server)

    assert server_of(told) != os.getpid()
    assert caplog.text == ""
    server.close()


@pytest.mark.parametrize(
    "at_import",
    [
        "import threading\nif 'fork_server' in sys.argv[0]: threading.Thread(target=sys.stdin.read).start(); "
        "threading.Thread(target=__import__('time').sleep, args=(60,), daemon=True).start()",
        "if 'fork_server' in sys.argv[0]: raise ImportError('not here')",
        "if 'fork_server' in sys.argv[0]: os._exit(3)",
    ],
    ids=["a thread", "an error", "an end"],
)
def test_what_cannot_be_forked_soundly_is_started_as_a_program(module, start, at_import, caplog):
    server = ForkServer([module(at_import)])
    _, told = start(server, "one")

    assert server_of(told) == os.getpid()
    assert caplog.text.count("is started as a program of its own") == 1
    server.close()


@pytest.mark.parametrize("by", [ByExec, lambda: ForkServer(["forked_stub"])], ids=["by exec", "by fork"])
def test_what_lies_in_the_folder_a_daemon_is_started_in_is_never_run(
    module, start, by, tmp_path, monkeypatch
):
    module("")
    here = tmp_path / "here"
    here.mkdir()
    for name in ("json", "click", "forked_stub", "setproctitle", "sitecustomize"):
        (here / f"{name}.py").write_text("raise SystemExit('planted')")
    monkeypatch.chdir(here)

    spawner = by()
    _, told = start(spawner, "one")

    assert told["said"] == ["one"]
    spawner.close()

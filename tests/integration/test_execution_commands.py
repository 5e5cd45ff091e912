"""The local runner on real processes: environment, output, time, and the whole tree gone at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import host_platform
from execution import local_runner, markers
from execution.local_runner import Ended, LocalRunner, NotStarted
from execution.running import Running
from runtime_contract import Limits
from safety.command_policy import CommandPolicy
from safety.work import Approved
from settings import Home, Settings
from store.outputs import OutputSink, StoredOutput
from store.records import TaskRef
from tests.integration.swarm_rig import eventually


class Runner:
    """Runs shell text as if it had been approved: what the policy would never let through."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.local = LocalRunner(self.home, Settings(local_timeout_s=60), host_platform.this_process())
        self.running = Running(TaskRef("t", 1), "local", time.time())

    def shell(
        self, script: str, timeout_s: float | None = None, cap: int = 2**20
    ) -> tuple[Ended, StoredOutput]:
        return self.run(Approved.command(("/bin/sh", "-c", script), {}, may_spawn=False), timeout_s, cap)

    def run(
        self, approved: Approved, timeout_s: float | None = None, cap: int = 2**20
    ) -> tuple[Ended, StoredOutput]:
        sink = OutputSink(self.home.outputs, "1-1", cap)
        try:
            ended = self.local.run(approved, self.running, "1-1", sink, timeout_s)
        except BaseException:
            sink.discard()
            raise
        return ended, sink.close()

    def left(self) -> list[int]:
        value = markers.mark(host_platform.this_process(), self.home, "1-1")
        found = host_platform.processes_with_environment(f"{markers.VARIABLE}={value}")
        return [pid for pid, _ in found if host_platform.process_start(pid) != -1]


@pytest.fixture
def runner(tmp_path: Path):
    runner = Runner(tmp_path)
    yield runner
    assert runner.left() == []


@pytest.fixture(params=["with a process handle", "without"])
def either(request, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """The runner on a system with pidfd_open(2), and as it is where there is none."""
    if request.param == "without":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    return runner


def test_the_environment_is_made_from_nothing(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_API_KEY", "do not tell")
    ended, stored = runner.run(Approved.command(("/usr/bin/env",), {"FORCED": "1"}, may_spawn=False))

    told = dict(line.split("=", 1) for line in stored.head.splitlines())
    assert ended.exit_code == 0
    assert told == {
        "PATH": "/usr/bin:/bin",
        "HOME": str(runner.home.workspace),
        "LANG": "C.UTF-8",
        "FORCED": "1",
        "SKEP_CYCLE": markers.mark(host_platform.this_process(), runner.home, "1-1"),
    }


def test_it_runs_in_the_workspace_with_no_input_and_no_other_file_open(either: Runner) -> None:
    ended, stored = either.shell("pwd; cat; ls /proc/self/fd | wc -l")

    assert ended.exit_code == 0
    assert stored.head.split() == [str(either.home.workspace), "4"]  # 0, 1, 2 and the listing itself


def test_both_streams_are_kept_in_the_order_they_came(either: Runner) -> None:
    ended, stored = either.shell("echo one; echo two >&2; echo three; exit 3")

    assert (ended.exit_code, stored.head) == (3, "one\ntwo\nthree\n")


def test_a_signal_that_ends_it_is_its_exit_code(either: Runner) -> None:
    ended, _ = either.shell("kill -9 $$")

    assert (ended.exit_code, ended.timed_out) == (-signal.SIGKILL, False)


def test_output_beyond_the_cap_is_read_and_counted(either: Runner) -> None:
    ended, stored = either.shell("head -c 1000000 /dev/zero; exit 7", cap=4096)

    assert (ended.exit_code, stored.bytes, stored.cut) == (7, 4096, 1_000_000 - 4096)


def test_a_command_that_closes_its_output_is_waited_for(either: Runner) -> None:
    ended, _ = either.shell("exec >&- 2>&-; sleep 0.1; exit 5")

    assert ended.exit_code == 5


def test_a_grandchild_that_keeps_the_pipe_does_not_keep_the_command(either: Runner) -> None:
    ended, stored = either.shell("sleep 60 & echo done")

    assert (ended.exit_code, ended.timed_out, stored.head) == (0, False, "done\n")
    assert either.left() == []


def test_a_grandchild_in_a_session_of_its_own_is_found(either: Runner) -> None:
    ended, stored = either.shell("setsid sh -c 'sleep 60' & echo done")

    assert (ended.exit_code, stored.head) == (0, "done\n")
    assert either.left() == []


def test_a_time_out_takes_the_whole_tree(either: Runner) -> None:
    script = "setsid sh -c 'exec >/dev/null 2>&1; sleep 60' & sh -c 'sleep 60; true' & sleep 60; true"
    ended, _ = either.shell(script, timeout_s=0.2)

    assert (ended.timed_out, ended.exit_code, ended.limit_s) == (True, -signal.SIGTERM, 0.2)
    assert either.left() == []


def test_what_does_not_listen_to_sigterm_is_killed(either: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_runner, "TERM_GRACE_S", 0.1)
    ended, _ = either.shell("trap '' TERM; while true; do sleep 60; done", timeout_s=0.2)

    assert (ended.timed_out, ended.exit_code) == (True, -signal.SIGKILL)


def test_what_a_command_says_at_its_time_out_is_kept(either: Runner) -> None:
    ended, stored = either.shell("trap 'echo bye; exit 4' TERM; echo hi; sleep 60 & wait", timeout_s=0.3)

    assert (ended.timed_out, ended.exit_code, stored.head) == (True, 4, "hi\nbye\n")


def test_stopping_kills_at_once_even_what_ignores_signals(either: Runner) -> None:
    ended: list[Ended] = []
    script = "trap '' TERM INT HUP; echo up; setsid sleep 60 & sleep 60; true"
    thread = threading.Thread(target=lambda: ended.append(either.shell(script)[0]))
    thread.start()
    live = either.home.outputs / "live" / "1-1"
    eventually(lambda: live.exists() and live.read_bytes() == b"up\n", "it has begun")

    either.running.stop("cancelled")

    thread.join(30)
    assert ended[0].exit_code == -signal.SIGKILL
    assert either.left() == []


def test_one_that_was_stopped_before_it_began_is_killed(either: Runner) -> None:
    either.running.stop("cancelled")

    ended, _ = either.shell("sleep 60")

    assert ended.exit_code == -signal.SIGKILL


def test_a_program_that_is_not_there_is_not_started(runner: Runner) -> None:
    with pytest.raises(NotStarted) as failed:
        runner.run(Approved.command(("/usr/bin/no-such-program",), {}, may_spawn=False))

    assert failed.value.is_for_now is False


def test_an_error_while_it_runs_leaves_nothing_behind(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk broke")

    monkeypatch.setattr(OutputSink, "write", broken)

    with pytest.raises(OSError, match="the disk broke"):
        runner.shell("echo x; sleep 60")
    assert runner.left() == []


def test_git_runs_in_a_repository_of_the_workspace_and_starts_nothing_of_it(
    runner: Runner, tmp_path: Path
) -> None:
    workspace = runner.home.workspace
    workspace.mkdir()
    git = ["git", "-C", str(workspace), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (workspace / "file").write_text("one\n")
    for arguments in (["init", "-q"], ["add", "file"], ["commit", "-qm", "the first"]):
        subprocess.run([*git, *arguments], check=True)
    (workspace / "file").write_text("two\n")
    (workspace / ".gitattributes").write_text("* diff=evil filter=evil\n")
    hook = workspace / ".git" / "hooks" / "post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/marker\n")
    hook.chmod(0o755)
    policy = CommandPolicy(workspace, Limits())

    shown = {
        subcommand: runner.run(policy.allow(("git", subcommand))) for subcommand in ("status", "log", "diff")
    }

    assert [ended.exit_code for ended, _ in shown.values()] == [0, 0, 0]
    assert "modified:   file" in shown["status"][1].head
    assert "the first" in shown["log"][1].head
    assert "+two" in shown["diff"][1].head
    assert not (tmp_path / "marker").exists()


def test_git_does_not_look_for_a_repository_above_the_workspace(runner: Runner, tmp_path: Path) -> None:
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)

    ended, stored = runner.run(CommandPolicy(runner.home.workspace, Limits()).allow(("git", "status")))

    assert ended.exit_code == 128
    assert "not a git repository" in stored.head

"""The local runner on real processes: environment, output, time, and the whole tree gone at the end.

Each test runs in every kind of sandbox that the machine has, and in none.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import host_platform
from execution import markers
from execution.local_runner import Ended, LocalRunner, NotStarted
from execution.running import Running
from runtime_contract import Limits
from safety.command_policy import CommandPolicy
from safety.sandbox import Sandbox, following
from safety.work import Approved
from settings import Home, Settings
from store.outputs import OutputSink, StoredOutput
from store.records import TaskRef
from tests.integration.swarm_rig import eventually


class Runner:
    """Runs shell text as if it had been approved: what the policy would never let through."""

    def __init__(self, root: Path, level: str) -> None:
        self.home = Home(root)
        self.level = level
        settings = Settings.model_validate({"local_timeout_s": 60, "sandbox": level})
        self.sandbox = Sandbox(self.home, settings)
        self.standing = self.sandbox.start()
        self.local = LocalRunner(self.home, settings, host_platform.this_process(), self.sandbox)
        self.running = Running(TaskRef("t", 1), "local", time.time())

    def shell(
        self, script: str, timeout_s: float | None = None, cap: int = 2**20
    ) -> tuple[Ended, StoredOutput]:
        return self.run(Approved.command(("/bin/sh", "-c", script), {}), timeout_s, cap)

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


@pytest.fixture(params=["bubblewrap", "landlock", "off", "off, without process handles"])
def runner(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    level, _, without = request.param.partition(", ")
    runner = Runner(tmp_path, level)
    if without:  # a system without pidfd_open(2)
        monkeypatch.delattr(os, "pidfd_open")
    try:
        if not runner.standing.ready:
            skip_or_fail(level, runner.standing.reason)
        yield runner
        assert runner.left() == []
    finally:
        runner.sandbox.close()


def skip_or_fail(level: str, why: str) -> None:
    if os.environ.get("CI") == "true" and level == "bubblewrap":
        pytest.fail(why)
    pytest.skip(why)


def test_the_environment_is_made_from_nothing(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_API_KEY", "do not tell")
    ended, stored = runner.run(Approved.command(("/usr/bin/env",), {"FORCED": "1"}))

    told = dict(line.split("=", 1) for line in stored.head.splitlines())
    for name in ("PWD", "OLDPWD", "SHLVL", "_"):  # what the shell that waits inside may leave
        told.pop(name, None)
    home = told.pop("HOME")
    assert ended.exit_code == 0
    assert home == told.pop("TMPDIR", "/tmp")
    assert not Path(home).is_relative_to(runner.home.workspace)
    assert told == {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "FORCED": "1",
        "SKEP_CYCLE": markers.mark(host_platform.this_process(), runner.home, "1-1"),
    }


def test_it_runs_in_the_workspace_with_no_input_and_no_other_file_open(runner: Runner) -> None:
    ended, stored = runner.shell(
        "pwd; cat; for n in 3 4 5 6 7 8 9; do (: <&$n) 2>/dev/null && echo open $n; done; true"
    )

    assert ended.exit_code == 0
    assert stored.head.split() == [str(runner.home.workspace)]


def test_both_streams_are_kept_in_the_order_they_came(runner: Runner) -> None:
    ended, stored = runner.shell("echo one; echo two >&2; echo three; exit 3")

    assert (ended.exit_code, stored.head) == (3, "one\ntwo\nthree\n")


def test_a_signal_that_ends_it_is_its_exit_code(runner: Runner) -> None:
    ended, _ = runner.shell("kill -9 $$")

    assert (ended.exit_code, ended.timed_out) == (-signal.SIGKILL, False)


def test_output_beyond_the_cap_is_read_and_counted(runner: Runner) -> None:
    ended, stored = runner.shell("head -c 1000000 /dev/zero; exit 7", cap=4096)

    assert (ended.exit_code, stored.bytes, stored.cut) == (7, 4096, 1_000_000 - 4096)


def test_a_command_that_closes_its_output_is_waited_for(runner: Runner) -> None:
    ended, _ = runner.shell("exec >&- 2>&-; sleep 0.1; exit 5")

    assert ended.exit_code == 5


def test_a_grandchild_that_keeps_the_pipe_does_not_keep_the_command(runner: Runner) -> None:
    ended, stored = runner.shell("sleep 60 & echo done")

    assert (ended.exit_code, ended.timed_out, stored.head) == (0, False, "done\n")
    assert runner.left() == []


def test_a_grandchild_in_a_session_of_its_own_is_found(runner: Runner) -> None:
    ended, stored = runner.shell("setsid sh -c 'sleep 60' & echo done")

    assert (ended.exit_code, stored.head) == (0, "done\n")
    assert runner.left() == []


def test_a_time_out_takes_the_whole_tree(runner: Runner) -> None:
    script = "setsid sh -c 'exec >/dev/null 2>&1; sleep 60' & sh -c 'sleep 60; true' & sleep 60; true"
    ended, _ = runner.shell(script, timeout_s=0.2)

    assert (ended.timed_out, ended.exit_code, ended.limit_s) == (True, -signal.SIGTERM, 0.2)
    assert runner.left() == []


def test_what_does_not_listen_to_sigterm_is_killed(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "TERM_GRACE_S", 0.1)
    ended, _ = runner.shell("trap '' TERM; while true; do sleep 60; done", timeout_s=0.2)

    assert (ended.timed_out, ended.exit_code) == (True, -signal.SIGKILL)


def test_what_a_command_says_at_its_time_out_is_kept(runner: Runner) -> None:
    ended, stored = runner.shell("trap 'echo bye; exit 4' TERM; echo hi; sleep 60 & wait", timeout_s=0.3)

    assert (ended.timed_out, ended.exit_code, stored.head) == (True, 4, "hi\nbye\n")


def test_stopping_kills_at_once_even_what_ignores_signals(runner: Runner) -> None:
    ended: list[Ended] = []
    script = "trap '' TERM INT HUP; echo up; setsid sleep 60 & sleep 60; true"
    thread = threading.Thread(target=lambda: ended.append(runner.shell(script)[0]))
    thread.start()
    live = runner.home.outputs / "live" / "1-1"
    eventually(lambda: live.exists() and live.read_bytes() == b"up\n", "it has begun")

    runner.running.stop("cancelled")

    thread.join(30)
    assert ended[0].exit_code == -signal.SIGKILL
    assert runner.left() == []


def test_one_that_was_stopped_before_it_began_is_killed(runner: Runner) -> None:
    runner.running.stop("cancelled")

    ended, _ = runner.shell("sleep 60")

    assert ended.exit_code == -signal.SIGKILL


def test_a_program_that_is_not_there_is_not_started(runner: Runner) -> None:
    with pytest.raises(NotStarted) as failed:
        runner.run(Approved.command(("/usr/bin/no-such-program",), {}))

    assert failed.value.is_for_now is False


def test_a_workspace_that_is_made_is_its_users_alone_and_one_that_is_there_stays_as_it_is(
    runner: Runner,
) -> None:
    before = os.umask(0o022)
    try:
        shutil.rmtree(runner.home.workspace, ignore_errors=True)
        runner.shell("true")
        made = runner.home.workspace.stat().st_mode & 0o777
        runner.home.workspace.chmod(0o755)
        runner.shell("true")
    finally:
        os.umask(before)

    assert (made, runner.home.workspace.stat().st_mode & 0o777) == (0o700, 0o755)


def test_a_file_in_place_of_the_workspace_is_named_with_the_way_out(runner: Runner) -> None:
    runner.shell("true")  # which makes the workspace
    runner.home.workspace.rmdir()
    runner.home.workspace.write_text("no directory")

    with pytest.raises(NotStarted) as failed:
        runner.shell("true")
    assert f"{runner.home.workspace} is in the way" in str(failed.value)
    assert "move it away" in str(failed.value)

    runner.home.workspace.unlink()
    assert runner.shell("true")[0].exit_code == 0


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
    workspace.mkdir(exist_ok=True)
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

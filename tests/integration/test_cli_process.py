"""The command line as a shell meets it: real processes, pipes, signals and terminals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testing.heeding import HEEDING
from testing.running_daemon import REPOSITORY, RunningDaemon

SKEP = [sys.executable, "-m", "skep"]
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("SKEP_", "NO_COLOR"))
}


@pytest.fixture
def home(tmp_path):
    root = tmp_path / "home"
    skep(root, "init", str(root))
    return root


def skep(home: Path, *arguments: str, given: str | None = None, **environment: str):
    return subprocess.run(
        [*SKEP, *arguments],
        env=ENVIRONMENT | {"SKEP_HOME": str(home)} | environment,
        cwd=REPOSITORY,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def on_terminal(home: Path, *arguments: str, **environment: str) -> str:
    """What a person sees of a verb on a terminal."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        [*SKEP, *arguments],
        cwd=REPOSITORY,
        stdin=side,
        stdout=side,
        stderr=side,
        env=ENVIRONMENT | {"SKEP_HOME": str(home), "TERM": "xterm-256color", "COLUMNS": "120"} | environment,
    )
    os.close(side)
    shown = b""
    while True:
        try:
            block = os.read(main, 65536)
        except OSError:  # the other side is closed (pty(7))
            break
        if not block:
            break
        shown += block
    os.close(main)
    process.wait(60)
    return shown.decode()


def test_the_home_is_the_flag_then_the_variable_then_here(home, tmp_path):
    other = tmp_path / "other"
    skep(other, "init", str(other))
    skep(home, "add", "x", "--id", "a")

    assert "a" in skep(other, "--home", str(home), "list").stdout
    assert skep(other, "list").stdout == "No tasks.\n"
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "SKEP_HOME"}
    here = subprocess.run(
        [*SKEP, "list"],
        cwd=home,
        env=environment | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "a" in here.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list"], 0),
        (["show", "nobody"], 1),
        (["add"], 2),
        (["nonsense"], 2),
        (["list", "--nonsense"], 2),
        (["--home", "/nowhere", "list"], 3),
        (["validate", "/nowhere/queue.json"], 3),
        (["wait"], 0),
        (["verify"], 0),
    ],
)
def test_the_exit_code_reaches_the_shell(home, arguments, code):
    told = skep(home, *arguments)

    assert told.returncode == code
    assert "Traceback" not in told.stderr


def in_bash(home, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line,
        shell=True,
        check=False,
        executable="/bin/bash",
        cwd=REPOSITORY,
        env=ENVIRONMENT | {"SKEP_HOME": str(home)},
        capture_output=True,
        text=True,
    )


def test_a_reader_that_goes_away_ends_it_quietly(home):
    lines = "".join(json.dumps({"id": f"n{i}", "prompt": "x" * 200}) + "\n" for i in range(8_000))
    skep(home, "add", "--file", "-", given=lines)

    piped = in_bash(home, f"{sys.executable} -m skep events --json | head -c 10; echo ${{PIPESTATUS[0]}}")

    assert piped.stdout.endswith("141\n")
    assert piped.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", ["list", "list --json", "status --json", "show nobody --json"])
def test_a_full_disk_behind_the_output_is_told_in_one_line(home, arguments):
    told = in_bash(home, f"{sys.executable} -m skep {arguments} > /dev/full")

    assert told.returncode == (1 if "nobody" in arguments else 3), told.stderr
    assert told.stderr.startswith("skep ")
    assert told.stderr.count("\n") == 1


def test_ctrl_c_ends_what_follows_with_130(home):
    process = subprocess.Popen(
        [*HEEDING, *SKEP, "events", "-f"],
        cwd=REPOSITORY,
        env=ENVIRONMENT | {"SKEP_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "No daemon runs" in process.stderr.readline()

    process.send_signal(signal.SIGINT)

    assert process.wait(20) == 130
    assert "Traceback" not in process.communicate()[1]


def test_events_are_followed_as_they_are_committed(home):
    process = subprocess.Popen(
        [*SKEP, "events", "-f", "--json", "--after", "0"],
        cwd=REPOSITORY,
        env=ENVIRONMENT | {"SKEP_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None

    skep(home, "add", "x", "--id", "a")
    assert json.loads(process.stdout.readline())["event"] == "task.queued"
    skep(home, "cancel", "a")
    assert json.loads(process.stdout.readline())["status"] == "cancelled"
    process.kill()
    process.communicate()


def test_text_that_the_encoding_lacks_does_not_end_a_verb(home):
    skep(home, "add", "bees 🐝", "--id", "a")

    told = skep(home, "list", PYTHONIOENCODING="latin-1")

    assert told.returncode == 0
    assert "\\U0001f41d" in told.stdout


def test_a_home_that_cannot_be_written_is_3_and_named(home):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (home / ".swarm" / "state.db").chmod(0o400)

    assert skep(home, "add", "x").returncode == 3


# -- a terminal --------------------------------------------------------------------------------------------


def test_a_person_sees_a_table_with_colours_and_none_with_no_color(home):
    skep(home, "add", "x", "--id", "a")
    skep(home, "cancel", "a")

    shown = on_terminal(home, "list")
    assert "\x1b[" in shown
    assert "cancelled" in shown
    assert "\x1b[" not in on_terminal(home, "list", NO_COLOR="1").replace("\x1b[?25", "")
    assert "\x1b" not in on_terminal(home, "show", "a", NO_COLOR="1")


def test_a_bulk_add_shows_a_progress_bar_on_a_terminal_only(home, tmp_path):
    file = tmp_path / "tasks.jsonl"
    file.write_text("".join(json.dumps({"prompt": "x"}) + "\n" for _ in range(3_000)))

    shown = on_terminal(home, "add", "--file", str(file))

    assert "%" in shown
    assert "3,000 added, 0 refused" in shown
    assert "%" not in skep(home, "add", "--file", str(file)).stderr


def test_a_hostile_task_cannot_write_to_the_terminal(home):
    skep(home, "add", "x\x1b]0;owned\x07\x1b[5m\u202e", "--id", "a", NO_COLOR="1")

    for verb in (["list"], ["show", "a"], ["events"], ["list", "--json"]):
        shown = on_terminal(home, *verb, NO_COLOR="1")
        assert "\x1b]0" not in shown
        assert "\x1b[5m" not in shown
        assert "\x07" not in shown


def test_every_run_until_idle_says_at_its_end_why_what_is_left_waits(tmp_path):
    daemon = RunningDaemon(tmp_path / "home")
    daemon.add_to_queue({"id": "ask", "prompt": "What do bees do?"})

    for _ in range(2):
        told = daemon.skep_process("up", "--until-idle", "--no-panel")

        assert told.returncode == 75, told
        assert told.stdout.count("no model configured") == 1
        assert "What is left waits: `skep list` tells for what." in told.stderr

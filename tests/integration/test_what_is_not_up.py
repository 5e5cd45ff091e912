"""A daemon with a part that does not come up: what it is and what to do stands where people look."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localhost import port_file
from panel.login import codes_directory
from settings import Home
from testing.heeding import HEEDING
from testing.running_daemon import LOOK_EVERY_S, PATIENCE_S, REPOSITORY, RunningDaemon


@contextlib.contextmanager
def stranger_at(port: int) -> Iterator[socket.socket]:
    """Another program that has bound a port first."""
    with contextlib.closing(socket.socket()) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        bound.listen()
        yield bound


@pytest.fixture
def daemon(tmp_path) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path / "home")
    yield running
    running.kill_everything()


def wait_for(found, what: str):
    """What `found` finds, once it finds anything."""
    deadline = time.monotonic() + PATIENCE_S
    while not (told := found()):
        assert time.monotonic() < deadline, what
        time.sleep(LOOK_EVERY_S)
    return told


def ways_in(daemon: RunningDaemon) -> list[str]:
    """The port of every panel that was told of; into a file, never with a link."""
    assert "#code=" not in daemon.log()
    return re.findall(r"Panel:  http://127\.0\.0\.1:(\d+) \(`skep panel` prints a link", daemon.log())


def link(daemon: RunningDaemon) -> tuple[int, str]:
    """Port and code of a fresh login link."""
    told = json.loads(daemon.skep("panel", "--json").stdout)["url"]
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/#code=([\w-]{43})", told)
    assert found is not None, told
    return int(found[1]), found[2]


def log_in(port: int, code: str) -> int:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{port}"}
        connection.request("POST", "/login", json.dumps({"code": code}), headers)
        return connection.getresponse().status


def test_no_link_is_shown_while_a_stranger_has_the_port_of_the_panel(daemon):
    with stranger_at(daemon.panel_port):
        daemon.start()
        wait_for(lambda: "panel is not up" in daemon.log(), "the panel's trouble")
        told = daemon.skep("panel")
        status = daemon.skep("status").stdout
        doctor = daemon.skep("doctor")

        assert (told.returncode, told.stdout) == (3, "")
        assert f"Port {daemon.panel_port} on 127.0.0.1 is taken" in told.stderr
        assert "SKEP_PANEL_PORT" in told.stderr
        assert (ways_in(daemon), list(codes_directory(Home(daemon.root)).glob("*"))) == ([], [])
        assert f"panel is not up: Port {daemon.panel_port}" in status
        assert doctor.returncode == 1
        assert f"{daemon.panel_port} (panel_port) is in use by another program" in doctor.stdout

    assert wait_for(lambda: ways_in(daemon), "the panel once it has its port") == [str(daemon.panel_port)]
    assert log_in(*link(daemon)) == 200
    assert "panel is not up" not in daemon.skep("status").stdout


def test_a_panel_that_is_started_again_is_told_of_again_and_takes_no_old_link(daemon):
    daemon.start()
    wait_for(lambda: ways_in(daemon), "the panel")
    port, old = link(daemon)
    daemon.kill("panel")

    wait_for(lambda: ways_in(daemon)[1:], "the panel that was started again")
    assert log_in(port, old) == 401
    assert log_in(*link(daemon)) == 200


def test_the_panel_may_take_any_free_port(tmp_path):
    running = RunningDaemon(tmp_path / "home", SKEP_PANEL_PORT="0")
    running.start()
    try:
        (port,) = wait_for(lambda: ways_in(running), "the panel")
        other = running.skep("panel").stdout.strip()
        assert (log_in(*link(running)), int(port) > 0) == (200, True)
        assert other.startswith(f"http://127.0.0.1:{port}/#code=")
    finally:
        assert running.stop() == 0
    assert port_file.holder(Home(running.root), port_file.PANEL) is None
    assert running.skep("panel").returncode == 3


def test_the_word_of_swarm_that_it_has_the_port_comes_back_where_it_is_taken_away(daemon):
    daemon.start("--no-panel")
    home = Home(daemon.root)
    wait_for(lambda: port_file.holder(home, port_file.SWARM), "swarm")
    (home.state / port_file.SWARM).unlink()
    daemon.skep("add", "--id", "a", "--", "echo", "at last")

    assert daemon.wait_for_ends("a")["a"]["status"] == "approved"
    assert port_file.holder(home, port_file.SWARM)


def test_a_swarm_that_can_no_longer_say_where_it_listens_is_told_until_it_can(daemon):
    daemon.start("--no-panel")
    said = Home(daemon.root).state / port_file.SWARM
    wait_for(said.exists, "swarm")
    aside = said.rename(said.with_name("aside"))
    said.mkdir()
    told = "swarm is not up: .swarm/swarm_port cannot be written: is a directory"
    wait_for(lambda: told in daemon.skep("status").stdout, "the trouble")
    daemon.skep("add", "--id", "a", "--", "echo", "at last")
    assert told in daemon.tasks()["a"]["waiting_for"]
    assert [e["reason"] for e in daemon.events() if e["event"] == "daemon.crashed"] == [
        wait_for(lambda: daemon.tasks()["a"]["waiting_for"], "why it waits")
    ]

    said.rmdir()
    aside.rename(said)
    assert daemon.wait_for_ends("a")["a"]["status"] == "approved"
    assert told not in daemon.skep("status").stdout


def test_a_swarm_that_cannot_say_where_it_listens_is_told_with_the_reason(daemon):
    in_place = daemon.root / ".swarm" / port_file.SWARM
    in_place.mkdir()
    daemon.skep("add", "--id", "a", "--", "echo", "at last")
    daemon.start("--no-panel")
    wait_for(lambda: "swarm is not up" in daemon.log(), "the trouble on the terminal")

    told = "swarm is not up: .swarm/swarm_port cannot be written: is a directory"
    assert told in daemon.skep("status").stdout
    in_place.rmdir()
    assert daemon.wait_for_ends("a")["a"]["status"] == "approved"
    assert [each.name for each in in_place.parent.glob("swarm_port*")] == ["swarm_port"]


def test_a_taken_port_of_swarm_is_told_wherever_a_person_looks(daemon):
    daemon.skep("add", "--id", "a", "--", "echo", "at last")
    with stranger_at(daemon.swarm_port):
        daemon.start()
        taken = f"swarm is not up: Port {daemon.swarm_port} on 127.0.0.1 is taken"
        wait_for(lambda: taken in daemon.log(), "the trouble on the terminal")

        shown = daemon.skep("show", "a").stdout
        status = json.loads(daemon.skep("status", "--json").stdout)
        assert re.search("crashed .*SKEP_SWARM_PORT or skep.toml", daemon.log())
        assert f"waits for     {taken}" in shown
        assert ("pending" in shown, "under way" in shown) == (True, False)
        assert status["health"].startswith(f"Nothing runs: {taken}")
        assert taken in status["processes"]["down"]["swarm"]
        assert taken in daemon.skep("doctor").stdout
        assert taken in daemon.tasks()["a"]["waiting_for"]
        told = [event for event in daemon.events() if event["event"] == "daemon.crashed"]
        assert [event["process"] for event in told] == ["swarm"]  # once, however often it is tried

    daemon.wait_for_ends("a")
    assert daemon.statuses("a")[-1] == "approved"
    assert json.loads(daemon.skep("status", "--json").stdout)["processes"]["down"] == {}


def test_until_idle_ends_where_swarm_cannot_start(daemon):
    with stranger_at(daemon.swarm_port):
        daemon.start("--until-idle", "--no-panel")

        assert daemon.wait_for_exit() == 3
    assert f"skep up: swarm is not up: Port {daemon.swarm_port}" in daemon.log()
    assert daemon.skep("status").stdout.startswith("No daemon runs")


def up_by(program: Path, daemon: RunningDaemon, *flags: str) -> subprocess.Popen[bytes]:
    """A daemon that takes this program for the interpreter of its processes."""
    up = "import sys, skep; sys.executable = sys.argv.pop(1); skep.main()"
    with (daemon.root / "daemon.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", up, str(program), "up", "--no-panel", *flags],
            cwd=REPOSITORY, env=daemon.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    daemon._started.append(process)
    return process


def test_until_idle_ends_where_the_interpreter_is_gone(daemon, tmp_path):
    daemon.skep("add", "--id", "a", "--", "true")
    process = up_by(tmp_path / "python", daemon, "--until-idle")

    assert process.wait(PATIENCE_S) == 3
    assert f"skep up: swarm is not up: {tmp_path / 'python'} cannot be executed: No such file" in daemon.log()
    told = [event["process"] for event in daemon.events() if event["event"] == "daemon.crashed"]
    assert sorted(told) == ["swarm", "worker-1"]  # once, however often it is tried


def test_an_interpreter_that_may_not_be_executed_is_told_wherever_a_person_looks(daemon, tmp_path):
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    program.chmod(0o644)
    process = up_by(program, daemon)
    sentence = f"swarm is not up: {program} cannot be executed: Permission denied."

    wait_for(
        lambda: re.search(f"crashed .*{re.escape(sentence)}", daemon.log()), "the trouble on the terminal"
    )
    assert daemon.skep("status").stdout.startswith(f"Nothing runs: {sentence} Let the user")
    program.chmod(0o755)
    daemon.skep("add", "--id", "a", "--", "true")
    daemon.wait_for_ends("a")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0


def test_a_worker_that_cannot_start_again_is_told_with_its_own_words(daemon):
    daemon.start("--no-panel")
    daemon.skep("add", "--id", "before", "--", "true")
    daemon.wait_for_ends("before")
    (daemon.root / "skep.toml").write_text("no_such_setting = 1\n")
    daemon.kill("worker")

    wait_for(lambda: "worker-1 is not up: skep.toml: there is no setting" in daemon.log(), "its words")
    (daemon.root / "skep.toml").unlink()
    daemon.skep("add", "--id", "after", "--", "true")
    daemon.wait_for_ends("after")


def in_a_terminal(daemon: RunningDaemon, *command: str) -> tuple[int, subprocess.Popen[bytes]]:
    """A command that has a terminal of its own to lose; the terminal's other end."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [*command, sys.executable, "-m", "skep", "up", "--no-panel"],
        cwd=daemon.root, env=daemon.environment | {"PYTHONPATH": str(REPOSITORY)},
        stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
    )  # fmt: skip
    os.close(inner)
    daemon._started.append(process)
    return outer, process


def test_a_closed_terminal_stops_the_daemon_in_good_order(daemon):
    daemon.skep("add", "--id", "runs", "--", "sleep", "2")
    terminal, process = in_a_terminal(daemon, *HEEDING)
    daemon.wait_until(lambda tasks: tasks["runs"]["status"] == "in_progress", "it runs")
    os.close(terminal)
    for _ in range(2):  # once by the kernel, once by the shell
        process.send_signal(signal.SIGHUP)

    assert process.wait(PATIENCE_S) == 0
    assert daemon.statuses("runs")[-1] == "approved"
    stopped = [event["process"] for event in daemon.events() if event["event"] == "daemon.stopped"]
    assert sorted(stopped) == ["swarm", "worker"]


def test_a_daemon_under_nohup_outlives_its_terminal(daemon):
    terminal, process = in_a_terminal(daemon, "nohup")
    wait_for(lambda: daemon.pids("worker"), "a worker")
    os.close(terminal)
    process.send_signal(signal.SIGHUP)
    daemon.skep("add", "--id", "later", "--", "true")

    daemon.wait_for_ends("later")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def test_a_swarm_at_a_free_port_is_found_and_found_again_at_another(tmp_path):
    daemon = RunningDaemon(tmp_path / "home", SKEP_SWARM_PORT="0")
    daemon.start("--no-panel")
    try:
        daemon.add_to_queue({"id": "first", "command": "echo 1"})
        daemon.wait_for_ends("first")
        daemon.kill("swarm")
        daemon.add_to_queue({"id": "second", "command": "echo 2"})
        tasks = daemon.wait_for_ends("second")
    finally:
        daemon.kill_everything()
    assert [tasks[name]["status"] for name in ("first", "second")] == ["approved"] * 2

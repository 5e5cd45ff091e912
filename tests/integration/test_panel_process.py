"""The panel as a process of its own: started, asked, stopped."""

from __future__ import annotations

import http.client
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from panel.login import held_port, mint_login_link
from settings import Home, Settings
from store.sqlite_store import SqliteStore

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@contextmanager
def panel(home, *flags, **options):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKEP_")}
    command = [sys.executable, "-m", "control_panel", "--home", str(home.root), *flags]
    options = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    } | options
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def ask(port, method="GET", path="/", body=None, headers=None):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer, answer.read()


def port_told(process):
    found = re.search(r":(\d+)", process.stdout.readline())
    assert found is not None
    return int(found[1])


def processes_told(home):
    with SqliteStore(home, Settings()) as store:
        return [(row["event"], json.loads(row["data"])["process"]) for row in store.reader.events()]


def test_it_serves_says_where_and_stops_when_asked(home):
    with panel(home, "--port", "0") as process:
        port = port_told(process)
        assert port == held_port(home)

        answer, body = ask(port, path="/healthz")
        assert (answer.status, json.loads(body)) == (200, {"status": "ok"})
        assert answer.headers["Server"] is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    assert processes_told(home) == [("daemon.started", "panel"), ("daemon.stopped", "panel")]


def test_it_goes_when_its_supervisor_does(home):
    with panel(home, "--port", "0", "--supervised", stdout=subprocess.DEVNULL) as process:
        process.stdin.close()
        process.stdin = None
        assert process.wait(20) == 0


def test_the_link_is_told_to_a_person_and_not_to_a_file(home):
    with panel(home, "--port", "0") as process:
        assert "#code=" not in process.stdout.readline()

    terminal, inner = pty.openpty()
    with panel(home, "--port", "0", stdout=inner):
        os.close(inner)
        told = b""
        while b"\n" not in told:
            told += os.read(terminal, 4096)
    os.close(terminal)
    assert re.search(rb"http://127\.0\.0\.1:\d+/#code=[\w-]{43}", told)


def test_a_link_made_by_another_process_logs_in_and_shows_up_nowhere(home):
    with panel(home, "--port", "0") as process:
        port = port_told(process)
        code = mint_login_link(home, port).partition("#code=")[2]
        sent = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{port}"}

        answer, _ = ask(port, "POST", "/login", json.dumps({"code": code}), sent)
        assert answer.status == 200
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        assert cookie.startswith(f"__cp_{port}=")
        answer, body = ask(port, path="/api/v1/tasks", headers={"Cookie": cookie})
        assert (answer.status, json.loads(body)["tasks"]) == (200, [])

        process.send_signal(signal.SIGINT)
        printed, logged = process.communicate(timeout=10)
        assert code not in printed + logged


def test_a_long_body_is_read_of_a_program_with_the_token_alone(home):
    home.state.mkdir(mode=0o700, exist_ok=True)
    home.token.touch(mode=0o600)
    home.token.write_text("the-token")
    tasks = {"tasks": [{"id": f"t-{number}", "command": "echo x"} for number in range(2000)]}
    sent = {"Content-Type": "application/json"}
    with panel(home, "--port", "0") as process:
        port = port_told(process)

        known = sent | {"Authorization": "Bearer the-token"}
        answer, _ = ask(port, "POST", "/api/v1/tasks/check", json.dumps(tasks), known)
        assert answer.status == 200
        own_page = sent | {"Origin": f"http://127.0.0.1:{port}"}
        answer, body = ask(port, "POST", "/login", json.dumps({"code": "x" * 100_000}), own_page)
        assert (answer.status, json.loads(body)["code"]) == (413, "body_too_large")


def test_a_taken_port_names_the_way_out(home):
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with panel(home, "--port", str(port)) as process:
            _, told = process.communicate(timeout=20)
            assert process.returncode == 3
    assert f"Port {port} on 127.0.0.1 is taken" in told
    assert "SKEP_PANEL_PORT" in told


def test_it_listens_on_loopback_alone(home):
    with panel(home, "--port", "0") as process:
        port = port_told(process)
        table = Path("/proc/net/tcp").read_text().split()
        listening = [entry for entry in table if entry.endswith(f":{port:04X}")]
        assert "0100007F" in {entry.partition(":")[0] for entry in listening}
        assert "00000000" not in {entry.partition(":")[0] for entry in listening}

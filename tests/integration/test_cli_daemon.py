"""The command line beside a running daemon: what it follows, waits for and steers."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from testing.model_server import ModelServer, Reply
from testing.running_daemon import REPOSITORY, RunningDaemon

pytestmark = pytest.mark.xdist_group("cli-daemon")


@pytest.fixture(scope="module")
def model():
    with ModelServer(Reply(text="fine")) as server:
        yield server


def follow(daemon: RunningDaemon, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "skep", *arguments],
        cwd=REPOSITORY,
        env=daemon._environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_task_that_is_added_is_waited_for_and_its_output_printed(daemon):
    task_id = daemon.skep("add", "--", "echo", "two words").stdout.strip()

    assert daemon.skep("wait", task_id, "--timeout", "30").returncode == 0
    assert daemon.skep("log", task_id).stdout == "two words\n"
    assert json.loads(daemon.skep("show", task_id, "--json").stdout)["attempt_history"][0]["exit_code"] == 0


def test_an_end_that_is_no_approval_is_1(daemon):
    daemon.skep("add", "--id", "fails", "--", "cat", "nowhere.txt")

    assert daemon.skep("wait", "fails", "--timeout", "30").returncode == 1
    shown = daemon.skep("show", "fails").stdout
    assert "No such file or directory" in shown
    assert "skep retry fails" in shown
    assert daemon.skep("log", "-f", "fails").returncode == 1


def test_an_output_is_followed_while_it_comes(daemon, model):
    hold = threading.Event()
    model.reply_with(Reply(text="first second third", hold_stream=hold))
    daemon.skep("add", "slowly", "--id", "slow")
    following = follow(daemon, "log", "-f", "slow")
    assert following.stdout is not None

    seen = following.stdout.read(5)
    assert seen == "first"
    assert daemon.tasks()["slow"]["status"] == "in_progress"
    hold.set()

    rest, _ = following.communicate(timeout=30)
    assert seen + rest == daemon.skep("log", "slow").stdout
    assert (following.returncode, (seen + rest).strip()) == (0, "first second third")


def test_an_output_is_followed_as_lines_of_json(daemon, model):
    hold = threading.Event()
    model.reply_with(Reply(text="one twö three", hold_stream=hold))
    daemon.skep("add", "slowly", "--id", "lines")
    following = follow(daemon, "log", "-f", "lines", "--json")
    assert following.stdout is not None

    first = following.stdout.readline()
    assert daemon.tasks()["lines"]["status"] == "in_progress"
    hold.set()

    rest, _ = following.communicate(timeout=30)
    told = [json.loads(line) for line in (first + rest).splitlines()]
    whole = json.loads(daemon.skep("log", "lines", "--json").stdout)
    assert following.returncode == 0
    assert {(each["id"], each["attempt"]) for each in told} == {("lines", whole["attempt"])}
    assert "".join(each["output"] for each in told) == whole["output"]
    assert len(told) > 1


def test_following_as_json_ends_with_the_code_of_the_end(daemon):
    daemon.skep("add", "--id", "halts", "--command", "echo a draft", "--review", "human")

    told = daemon.skep("log", "-f", "halts", "--json")

    assert (told.returncode, json.loads(told.stdout)["output"]) == (75, "a draft\n")
    assert daemon.skep("approve", "halts").returncode == 0
    assert daemon.skep("log", "halts", "-f", "--attempt", "1").returncode == 2


def test_each_piece_that_is_followed_as_json_names_its_attempt(daemon):
    daemon.skep("add", "--id", "twice", "--command", "echo a draft", "--review", "human")
    assert daemon.skep("wait", "twice", "--timeout", "30").returncode == 75
    daemon.skep("reject", "twice", "once more")
    assert daemon.skep("wait", "twice", "--timeout", "30").returncode == 75

    told = daemon.skep("log", "-f", "twice", "--json").stdout

    assert json.loads(told)["attempt"] == json.loads(daemon.skep("log", "twice", "--json").stdout)["attempt"]
    assert daemon.skep("approve", "twice").returncode == 0


def test_following_begins_before_the_task_does(daemon, model):
    hold = threading.Event()
    model.reply_with(Reply(hold=hold))
    daemon.skep("add", "think", "--id", "first")
    daemon.skep("add", "--id", "later", "--command", "echo at last", "--depends-on", "first")
    following = follow(daemon, "log", "-f", "later")
    assert following.stderr is not None

    assert following.stderr.readline() == "waiting for: first to be approved\n"
    hold.set()

    told, _ = following.communicate(timeout=30)
    assert (following.returncode, told) == (0, "at last\n")


def test_following_ends_with_75_when_a_person_is_asked(daemon):
    daemon.skep("add", "--id", "asks", "--command", "echo a draft", "--review", "human")

    told = daemon.skep("log", "-f", "asks")

    assert (told.returncode, told.stdout) == (75, "a draft\n")
    assert daemon.skep("wait", "asks").returncode == 75
    assert daemon.skep("approve", "asks").returncode == 0
    assert daemon.skep("wait", "asks").returncode == 0


def test_a_rejection_is_told_to_the_next_attempt(daemon, model):
    daemon.skep("add", "write it", "--id", "draft", "--review", "human")
    assert daemon.skep("wait", "draft", "--timeout", "30").returncode == 75

    daemon.skep("reject", "draft", "--reason", "the figures of May are missing")
    deadline = time.monotonic() + 30
    while not any("figures of May" in request.prompt for request in model.requests):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert daemon.skep("wait", "draft", "--timeout", "30").returncode == 75


def test_a_running_command_is_stopped_by_cancel(daemon):
    daemon.skep("add", "--id", "long", "--command", "sleep 60")
    daemon.wait_until(lambda tasks: tasks["long"]["status"] == "in_progress", "it runs")

    assert "being stopped" in daemon.skep("cancel", "long").stdout
    assert daemon.skep("wait", "long", "--timeout", "10").returncode == 1
    assert daemon.tasks()["long"]["status"] == "cancelled"


def test_the_log_is_whole_beside_the_daemon_and_status_and_doctor_see_it(daemon):
    daemon.skep("add", "--command", "true", "--id", "it-is-up")
    daemon.wait_for_ends("it-is-up")
    assert daemon.skep("verify").returncode == 0
    status = json.loads(daemon.skep("status", "--json").stdout)
    doctor = daemon.skep("doctor", "--json")

    assert status["daemon"] == {"running": True, "supervisor": True, "leader": True}
    assert doctor.returncode == 0, doctor.stdout
    ports = [each for each in json.loads(doctor.stdout)["checks"] if each["check"].startswith("port")]
    assert all("held by this home's daemon" in each["told"] for each in ports)


def test_every_event_is_followed_live(daemon):
    following = follow(daemon, "events", "-f", "--json")
    assert following.stdout is not None
    following.stdout.readline()

    daemon.skep("add", "--id", "seen", "--command", "true")
    told: list[dict] = []
    while not told or told[-1]["status"] != "approved" or told[-1]["task_id"] != "seen":
        told.append(json.loads(following.stdout.readline()))
    following.kill()
    following.communicate()

    mine = [event["status"] for event in told if event["task_id"] == "seen"]
    assert mine == ["queued", "in_progress", "completed", "pending_review", "approved"]


def test_without_a_daemon_following_a_task_is_3(tmp_path):
    home = RunningDaemon(tmp_path / "home")
    home.skep("add", "x", "--id", "a")

    told = home.skep("log", "-f", "a")

    assert told.returncode == 3
    assert "skep up" in told.stderr

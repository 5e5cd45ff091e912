"""Cancelling, time-outs and the end of swarm itself: what runs is really gone, and what it did is told."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

import host_platform
import swarm
from errors import AlreadyRunning
from execution import markers
from host_platform import ProcessId
from outcome import Outcome
from settings import Home
from testing import sandbox_here
from testing.model_script import Reply
from testing.model_server import ModelServer
from tests.integration.swarm_rig import NO_MODEL, Claiming, SwarmRig, commands_of, eventually, request_of


def test_a_cancelled_command_is_gone(rig: SwarmRig) -> None:
    claim = rig.claim(command="sleep 60")
    call = rig.in_background(claim)
    eventually(rig.commands, "the command runs")

    found = rig.cancel(claim)

    assert (found.status_code, found.json()["status"]) == (200, "stopping")
    body = call.answer().json()
    assert (body["status"], body["failure"]["code"], body["exit_code"]) == ("cancelled", "cancelled", None)
    assert body["result"] == "stopped while it ran"  # by whom, swarm does not know: the task says it
    assert rig.commands() == []
    assert rig.cancel(claim).json()["status"] == "ended"


def test_a_cancelled_model_call_ends_although_the_model_says_nothing(
    rig: SwarmRig, model: ModelServer
) -> None:
    model.reply_with(Reply(hold=threading.Event()))
    claim = rig.claim(prompt="hello")
    call = rig.in_background(claim)
    model.wait_for_requests(1)

    assert rig.cancel(claim).json()["status"] == "stopping"
    assert call.answer().json()["status"] == "cancelled"


def test_what_a_model_said_before_it_was_cancelled_is_kept_for_a_person(
    rig: SwarmRig, model: ModelServer
) -> None:
    model.reply_with(Reply(text="first second", hold_stream=threading.Event()))
    claim = rig.claim(prompt="hello")
    call = rig.in_background(claim)
    live = rig.home.outputs / "live"
    eventually(lambda: [file for file in live.glob("*") if file.read_bytes() == b"first"], "it streams")

    rig.cancel(claim)

    body = call.answer().json()
    assert (body["status"], body["output"]) == ("cancelled", "first")


def test_a_cancellation_that_overtakes_its_call_is_remembered(rig: SwarmRig, model: ModelServer) -> None:
    claim = rig.claim(prompt="hello")

    assert rig.cancel(claim).json()["status"] == "remembered"
    assert rig.cycle(claim).json()["status"] == "cancelled"
    assert model.requests == []


def test_a_lease_nobody_knows_cannot_be_cancelled(rig: SwarmRig) -> None:
    answer = rig.client.post("/cancel", json={"task_id": "nobody", "lease": 1})

    assert (answer.status_code, answer.json()["code"]) == (409, "lease_lost")


def test_what_another_process_began_and_lost_is_told(rig: SwarmRig) -> None:
    claim = rig.claim(command="true")
    rig.store.start_cycle(claim.ref, "another-boot/1/1")

    assert rig.cancel(claim).json()["status"] == "lost"


def test_a_command_over_its_time_is_ended(rig: SwarmRig) -> None:
    body = rig.cycle(rig.claim(command="sleep 60"), timeout=0.05).json()

    assert (body["status"], body["timed_out"], body["exit_code"]) == ("failed", True, -signal.SIGTERM)
    assert body["failure"]["message"] == "Task timeout after 0.05s"
    assert rig.commands() == []


def test_a_stop_leaves_an_interrupted_command_without_outcome(tmp_path: Path) -> None:
    with SwarmRig(tmp_path) as rig:
        claim = rig.claim(command="sleep 60")
        call = rig.in_background(claim)
        eventually(rig.commands, "the command runs")
        rig.stop.ask("a test wants it")
        answer = call.answer()
        rig.thread.join(30)
        row = rig.attempt(claim)

        assert (answer.status_code, answer.json()["code"]) == (409, "cycle_lost")
        assert (row["swarm"], row["outcome"]) == (rig.swarm.executor.process, None)
        assert rig.commands() == []
        assert len(rig.events("daemon.stopped")) == 1


def test_a_stop_lets_what_runs_end_in_its_grace(tmp_path: Path, model: ModelServer) -> None:
    release = threading.Event()
    model.reply_with(Reply(hold=release))
    with SwarmRig(tmp_path, llm_base_url=model.url, llm_model="m", stop_grace_s=60) as rig:
        claim, late = rig.claim(prompt="hello"), rig.claim(prompt="too late")
        call = rig.in_background(claim)
        model.wait_for_requests(1)
        rig.stop.ask("a test wants it")
        eventually(rig.swarm.executor.is_stopping, "it is stopping")

        refused = rig.cycle(late)
        release.set()

        assert (refused.status_code, refused.json()["code"]) == (503, "stopping")
        assert call.answer().json()["status"] == "completed"
        assert rig.attempt(late)["swarm"] is None


def test_a_second_swarm_on_the_same_home_does_not_start(rig: SwarmRig) -> None:
    with pytest.raises(AlreadyRunning, match="Another swarm runs"):
        swarm.Swarm(rig.home, rig.settings, rig.stop)


# -- as a process of its own -------------------------------------------------------------------------------


class SwarmProcess:
    """``python swarm.py`` over a home."""

    def __init__(self, root: Path, *arguments: str, **environment: str) -> None:
        self.home = Home(root)
        sandbox_here.write_setting(root)
        self.home.token.unlink(missing_ok=True)
        self.port = free_port()
        self.children: list[subprocess.Popen[bytes]] = []
        given = {"SKEP_HOME": str(root), "SKEP_SWARM_PORT": str(self.port), "SKEP_OLLAMA_URL": NO_MODEL}
        self.process = subprocess.Popen(
            [sys.executable, swarm.__file__, *arguments],
            env={**os.environ, **given, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> SwarmProcess:
        eventually(lambda: self.home.token.exists() or self.process.poll() is not None, "it starts")
        assert self.process.poll() is None, self.process.stderr
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def orphan(self) -> subprocess.Popen[bytes]:
        """Start a command under this swarm's mark, as one that it would have left behind."""
        identity = ProcessId(
            host_platform.boot_id(), self.process.pid, host_platform.process_start(self.process.pid)
        )
        value = markers.mark(identity, self.home, "1-1")
        child = subprocess.Popen(["/bin/sleep", "60"], env={markers.VARIABLE: value}, start_new_session=True)
        self.children.append(child)
        return child


def test_it_ends_in_good_order_when_the_supervisors_pipe_closes(tmp_path: Path) -> None:
    with SwarmProcess(tmp_path, "--supervised") as running:
        out, err = running.process.communicate(timeout=30)

        assert (running.process.returncode, out) == (0, b"")
        assert b"Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_good_order_at_a_signal(tmp_path: Path, number: int) -> None:
    with SwarmProcess(tmp_path) as running:
        running.process.send_signal(number)

        assert running.process.wait(30) == 0


def test_a_port_that_is_taken_is_said_and_the_token_of_its_owner_stays(tmp_path: Path) -> None:
    with SwarmRig(tmp_path / "one") as rig:
        (tmp_path / "two").mkdir()
        home = Home(tmp_path / "two")
        second = SwarmProcess(home.root, SKEP_SWARM_PORT=str(rig.swarm.port))
        _, err = second.process.communicate(timeout=30)

        assert second.process.returncode == 3
        assert b"swarm_port" in err
        assert not home.token.exists()


def test_commands_of_a_killed_swarm_end_with_it(tmp_path: Path) -> None:
    if sandbox_here.sandbox_setting() == "off":
        pytest.skip("there is no sandbox here that would end them")
    rig = Claiming(tmp_path)
    claim = rig.claim(command="sleep 600")
    with SwarmProcess(tmp_path) as running:
        call = threading.Thread(target=call_in_vain, args=(running, claim))
        call.start()
        eventually(lambda: commands_of(rig.home), "the command runs")
        running.process.kill()
        call.join(30)

        eventually(lambda: not commands_of(rig.home), "the command is gone")
    rig.store.close()


def call_in_vain(running: SwarmProcess, claim: Any) -> None:
    with contextlib.suppress(httpx.TransportError):
        post_cycle(running, claim)


def test_commands_of_a_dead_swarm_are_killed_before_the_next_one_answers(tmp_path: Path) -> None:
    with SwarmProcess(tmp_path) as first:
        child = first.orphan()
        first.process.kill()
        first.process.wait()
    with SwarmProcess(tmp_path):
        assert child.wait(10) == -signal.SIGKILL


def test_commands_of_a_living_swarm_and_of_other_homes_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with SwarmProcess(tmp_path / "one") as one:
        child = one.orphan()
        with SwarmProcess(tmp_path / "two"):
            assert markers.kill_orphans(Home(tmp_path / "one")) == 0
            assert child.poll() is None
        child.kill()
        child.wait()


@pytest.mark.parametrize(
    ("point", "has_start", "has_outcome"),
    [
        ("cycle.before_start", False, False),
        ("cycle.started", True, False),
        ("cycle.running", True, False),
        ("cycle.ended", True, False),
        ("cycle.recorded", True, True),
    ],
)
def test_the_store_tells_how_far_a_killed_swarm_came(
    tmp_path: Path, point: str, has_start: bool, has_outcome: bool
) -> None:
    rig = Claiming(tmp_path)
    claim = rig.claim(command="echo hi")
    with SwarmProcess(tmp_path, SKEP_FAULT=point) as running:
        with pytest.raises(httpx.TransportError):
            post_cycle(running, claim)
        assert running.process.wait(30) == -signal.SIGKILL
    row = rig.attempt(claim)
    assert (row["swarm"] is not None, row["outcome"] is not None) == (has_start, has_outcome)

    with SwarmProcess(tmp_path) as again:
        answer = post_cycle(again, claim)
        wanted = 409 if has_start and not has_outcome else 200
        assert answer.status_code == wanted
        if wanted == 200:
            assert Outcome.model_validate(answer.json()).output == "hi\n"
        else:
            assert answer.json()["code"] == "cycle_lost"
    rig.store.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post_cycle(running: SwarmProcess, claim: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {running.home.token.read_text()}"}
    url = f"http://127.0.0.1:{running.port}/cycle"
    with httpx.Client(trust_env=False, timeout=60) as client:
        return client.post(url, json=request_of(claim), headers=headers)

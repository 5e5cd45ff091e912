"""How a process is told to stop: once politely, twice at once, and when its supervisor is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stopping import Stop

ROOT = Path(__file__).resolve().parents[3]

#: Says when it is ready and when it was asked, then lingers until its input says more or a signal ends it.
LINGERING = """
import sys
from stopping import Stop
stop = Stop()
stop.on_signals()
print("ready", flush=True)
stop.asked.wait()
print("asked", stop.reason, stop.is_hurried, flush=True)
sys.stdin.readline()
print("done", flush=True)
"""
#: Whatever runs the tests may ignore SIGHUP, as nohup does, and hands that on.
WITH_A_TERMINAL = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_DFL)\n" + LINGERING
UNDER_NOHUP = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + LINGERING
SUPERVISED = LINGERING.replace("stop.on_signals()", "stop.on_signals()\nstop.on_closed_pipe()").replace(
    "sys.stdin.readline()\n", ""
)

#: What the second signal does has the main thread come to its end first.
ENDING = """
import threading
from stopping import Stop
ended = threading.Event()
main = threading.main_thread()
stop = Stop()
stop.at_once = lambda: (ended.set(), main.join(2))
stop.on_signals()
print("ready", flush=True)
stop.asked.wait()
print("asked", flush=True)
ended.wait()
stop.give_way()
"""


@pytest.fixture
def start() -> Iterator:
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(ROOT)},
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_and_the_process_may_finish(start, number):
    process = start(LINGERING)
    process.send_signal(number)
    assert process.stdout.readline() == f"asked {number.name} False\n"
    assert process.communicate("go on\n") == ("done\n", None)
    assert process.returncode == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(start, second):
    process = start(LINGERING)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline().startswith("asked")
    process.send_signal(second)
    assert process.wait() == 128 + second


def test_who_gives_way_does_not_end_the_process_before_the_second_signal_does(start):
    process = start(ENDING)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline().startswith("asked")
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 128 + signal.SIGTERM


def test_a_closed_pipe_asks_and_hurries(start):
    process = start(SUPERVISED)
    process.stdin.close()
    assert process.stdout.readline() == "asked the supervisor is gone True\n"
    assert process.wait() == 0


def test_what_comes_through_the_pipe_asks_nothing(start):
    process = start(SUPERVISED)
    process.stdin.write("hello\n")
    process.stdin.flush()
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "asked SIGTERM False\n"


def test_a_signal_asks_even_while_the_main_thread_holds_the_lock_of_the_event():
    """`Event.set` in a handler would wait for ever for the thread it has interrupted."""
    stop = Stop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        stop.on_signals()
        with getattr(stop.asked, "_cond"):  # noqa: B009  the very lock that `wait` takes
            os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked.wait(60)
        assert stop.reason == "SIGTERM"
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_the_first_reason_stands():
    stop = Stop()
    stop.ask("first")
    stop.ask("second", hurried=True)
    assert (stop.reason, stop.is_hurried) == ("first", False)


def test_a_pipe_whose_end_this_process_holds_can_be_any_handle():
    stop = Stop()
    reading, writing = os.pipe()
    stop.on_closed_pipe(reading)
    assert not stop.asked.is_set()
    os.close(writing)
    assert stop.asked.wait(60)
    assert stop.is_hurried
    for thread in threading.enumerate():
        if thread.name == "pipe":
            thread.join()
    os.close(reading)


def test_a_hang_up_asks_and_is_never_the_second_signal(start):
    process = start(WITH_A_TERMINAL)
    for _ in range(3):
        process.send_signal(signal.SIGHUP)
    assert process.stdout.readline() == "asked SIGHUP False\n"
    process.send_signal(signal.SIGHUP)
    told, _ = process.communicate("\n", timeout=10)

    assert (process.returncode, told) == (0, "done\n")


def test_a_hang_up_that_was_ignored_at_the_start_stays_so(start):
    process = start(UNDER_NOHUP)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)

    assert process.stdout.readline() == "asked SIGTERM False\n"


def test_who_listens_is_told_of_a_stop_once_and_of_an_earlier_one_at_once():
    told: list[str] = []
    stop = Stop()
    stop.listen(lambda: told.append("first"))
    assert told == []

    stop.ask("a test")
    stop.ask("another")
    stop.listen(lambda: told.append("late"))

    assert told == ["first", "late"]

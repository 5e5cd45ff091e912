"""A real daemon in a home of its own, for tests: started, fed, killed and started again as a person would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
from click.testing import CliRunner

import skep
from runtime_contract import ENDED
from testing import sandbox_here

REPOSITORY: Final = Path(__file__).resolve().parents[1]
PATIENCE_S: Final = 60.0
LOOK_EVERY_S: Final = 0.05


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RunningDaemon:
    """One home and the daemon on it."""

    def __init__(self, root: Path, **environment: str) -> None:
        self.root = root
        self.swarm_port = free_port()
        self.panel_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._started: list[subprocess.Popen[bytes]] = []
        self._environment = _environment(root, self.swarm_port, self.panel_port) | environment
        root.mkdir(parents=True, exist_ok=True)
        self.skep("init")
        sandbox_here.write_setting(root)

    @property
    def environment(self) -> dict[str, str]:
        """What its processes find in their environment, for one that is started by itself."""
        return dict(self._environment)

    # -- life ----------------------------------------------------------------------------------------------

    def start(self, *flags: str, **environment: str) -> RunningDaemon:
        """``skep up``; returns at once."""
        log = (self.root / "daemon.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "skep", "up", *flags],
                cwd=REPOSITORY,
                env=self._environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(self._process)
        return self

    def stop(self) -> int:
        """Ctrl-C, and wait; the exit code."""
        self.send(signal.SIGINT)
        return self.wait_for_exit()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait_for_exit(self) -> int:
        """Wait until it ends by itself; the exit code."""
        assert self._process is not None
        return self._process.wait(PATIENCE_S)

    def kill_everything(self) -> None:
        """Pull the plug: SIGKILL for the supervisor and every process of this home, all at once."""
        alive = [process for process in self._started if process.poll() is None]
        pids = [process.pid for process in alive]
        pids += [pid for name in ("worker", "swarm", "panel") for pid in self.pids(name)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in alive:
            process.wait(PATIENCE_S)

    def kill(self, name: str) -> None:
        """SIGKILL for one kind of process: worker, swarm or panel."""
        for pid in self.pids(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def pids(self, name: str) -> list[int]:
        """Living processes of a kind that serve this home."""
        module = {"panel": "control_panel"}.get(name, name)
        return list(_processes([b"-m", module.encode(), b"--home", os.fsencode(self.root)]))

    def wait_for_command(self, *argv: str) -> None:
        """Wait until a command with these words in a row has begun: a claimed task's may not have."""
        self._wait_until(lambda: self.commands(*argv), f"{argv} runs")

    def commands(self, *argv: str) -> list[int]:
        """Living processes that have these words in a row."""
        return list(_processes([os.fsencode(word) for word in argv]))

    def wait_for_word(self, word: str) -> None:
        """Wait until the daemon has said this."""
        self._wait_until(lambda: word in self.log(), f"{word!r} is said")

    def _wait_until(self, holds: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"not seen within {PATIENCE_S} s: {what}"
            time.sleep(LOOK_EVERY_S)

    # -- use -----------------------------------------------------------------------------------------------

    def skep(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a verb in this home, without a process for it, which would cost more than the verb."""
        environment: dict[str, str | None] = {name: None for name in os.environ if name.startswith("SKEP_")}
        answer = CliRunner().invoke(skep.cli, arguments, given, env={**environment, **self._environment})
        if answer.exception is not None and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        return subprocess.CompletedProcess(arguments, answer.exit_code, answer.stdout, answer.stderr)

    def skep_process(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The same in a process of its own, which may die of it."""
        return subprocess.run(
            [sys.executable, "-m", "skep", *arguments],
            cwd=REPOSITORY,
            env=self._environment | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def _told(self, *arguments: str) -> str:
        """What a verb that only reads prints."""
        answer = self.skep(*arguments)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def client(self) -> httpx.Client:
        """A client of its execution API with the token, once it answers. The caller closes it."""
        token, base = self.root / ".swarm" / "execution_token", f"http://127.0.0.1:{self.swarm_port}"
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError, FileNotFoundError):
                headers = {"Authorization": f"Bearer {token.read_text('utf-8').strip()}"}
                # Without TLS the certificates, which take long to load, need not be there.
                how: dict[str, Any] = {"headers": headers, "trust_env": False, "verify": False}
                if httpx.get(f"{base}/api/v1/runs", **how).status_code == 200:
                    return httpx.Client(base_url=base, timeout=PATIENCE_S, **how)
            time.sleep(LOOK_EVERY_S)
        raise AssertionError(f"swarm does not answer within {PATIENCE_S} s")

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Every task as ``skep list`` tells it, by id."""
        found: list[dict[str, Any]] = json.loads(self._told("list", "--json"))["tasks"]
        return {task["id"]: task for task in found}

    def events(self, task_id: str | None = None) -> list[dict[str, Any]]:
        """History as ``skep events`` tells it."""
        lines = self._told("events", "--json", *([task_id] if task_id else [])).splitlines()
        return [json.loads(line) for line in lines]

    def statuses(self, task_id: str) -> list[str]:
        """The statuses a task went through."""
        return [event["status"] for event in self.events(task_id) if event["status"]]

    def edit_queue(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit ``queue.json`` as an editor does: read, change, write beside, rename over."""
        path = self.root / "queue.json"
        queue = json.loads(path.read_text("utf-8"))
        change(queue)
        fresh = path.with_name("queue.json.edited")
        fresh.write_text(json.dumps(queue, indent=2, ensure_ascii=False), "utf-8")
        fresh.replace(path)

    def add_to_queue(self, *tasks: Mapping[str, Any]) -> None:
        """Drop tasks into ``queue.json``."""
        self.edit_queue(lambda queue: queue["tasks"].extend(dict(task) for task in tasks))

    def wait_until(self, holds: Callable[[dict[str, dict[str, Any]]], bool], what: str) -> dict[str, Any]:
        """Wait until the tasks are as they should be; them."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            tasks = self.tasks()
            if holds(tasks):
                return tasks
            if time.monotonic() > deadline:
                raise AssertionError(f"not seen within {PATIENCE_S} s: {what}\n{json.dumps(tasks)[:4000]}")
            time.sleep(LOOK_EVERY_S)

    def wait_for_ends(self, *ids: str) -> dict[str, Any]:
        """Wait until these tasks have ended; all tasks."""
        ended = {status.value for status in ENDED}
        return self.wait_until(
            lambda tasks: all(name in tasks and tasks[name]["status"] in ended for name in ids),
            f"the ends of {', '.join(ids[:5])}",
        )

    def wait_until_logged(self, status: str, *ids: str) -> None:
        """Wait until ``execution_log.jsonl``, written after the store, tells this status of these."""
        path = self.root / "execution_log.jsonl"

        def told() -> set[str]:
            whole = path.read_bytes().rpartition(b"\n")[0].splitlines()
            return {line["task_id"] for line in map(json.loads, whole) if line["status"] == status}

        self._wait_until(lambda: told().issuperset(ids), f"the log tells {status} of {', '.join(ids[:5])}")

    def log(self) -> str:
        """What the daemon said."""
        return (self.root / "daemon.log").read_text("utf-8", errors="replace")


def _environment(root: Path, swarm_port: int, panel_port: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "SKEP_HOME": str(root),
        "SKEP_SWARM_PORT": str(swarm_port),
        "SKEP_PANEL_PORT": str(panel_port),
        "SKEP_OLLAMA_URL": f"http://127.0.0.1:{free_port()}",
        "SKEP_DISK_FREE_BYTES": "0",
        "SKEP_NICE": "0",  # a test waits for what the daemon does
    }


def _processes(wanted: list[bytes]) -> Iterator[int]:
    """Processes whose arguments hold these in a row (proc(5)); one that was forked has blanks between."""
    held = b" %b " % b" ".join(wanted)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if held in b" %b " % (process / "cmdline").read_bytes().replace(b"\0", b" "):
                yield int(process.name)

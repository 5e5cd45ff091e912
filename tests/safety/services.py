"""A real swarm and a real panel over one home, without a worker: the tests claim in its place."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from testing.running_daemon import REPOSITORY, RunningDaemon
from tests.integration.swarm_rig import Claiming

PATIENCE_S: Final = 30.0


@dataclass(frozen=True)
class Services:
    """What a request needs to know of the two that run."""

    home: RunningDaemon
    claiming: Claiming
    token: str
    cookie: str
    csrf: str

    @property
    def ports(self) -> dict[str, int]:
        """The port of each service."""
        return {"swarm": self.home.swarm_port, "panel": self.home.panel_port}

    def words(self) -> dict[str, str]:
        """What stands in braces in a request, but for the task's own."""
        return {
            "token": self.token,
            "cookie": self.cookie,
            "csrf": self.csrf,
            **{name: str(port) for name, port in self.ports.items()},
        }


@contextlib.contextmanager
def running(home: RunningDaemon) -> Iterator[Services]:
    """Start swarm and panel, log a browser in, and stop both in the end."""
    with contextlib.ExitStack() as stack:
        for module in ("swarm", "control_panel"):
            stack.enter_context(_process(home, module))
        for port in (home.swarm_port, home.panel_port):
            _wait_for(port)
        claiming = Claiming(home.root)
        stack.callback(claiming.store.close)
        cookie, csrf = _log_in(home)
        token = (home.root / ".swarm" / "execution_token").read_text("ascii").strip()
        yield Services(home, claiming, token, cookie, csrf)


@contextlib.contextmanager
def _process(home: RunningDaemon, module: str) -> Iterator[None]:
    with (home.root / f"{module}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--home", str(home.root)],
            cwd=REPOSITORY,
            env=home.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            _get(port, "/healthz")
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _get(port: int, path: str, **headers: str) -> bytes:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as connection:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().read()


def _log_in(home: RunningDaemon) -> tuple[str, str]:
    """The cookie and the page's token, as a browser gets them from a login link."""
    link: str = json.loads(home.skep("panel", "--json").stdout)["url"]
    own = f"http://127.0.0.1:{home.panel_port}"
    headers = {"Content-Type": "application/json", "Origin": own, "Sec-Fetch-Site": "same-origin"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", home.panel_port)) as connection:
        connection.request("POST", "/login", json.dumps({"code": link.partition("#code=")[2]}), headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
    page = _get(home.panel_port, "/", Cookie=cookie).decode()
    found = re.search(r'"X-CSRF-Token": "([\w-]+)"', page)
    assert found is not None, page
    return cookie, found[1]

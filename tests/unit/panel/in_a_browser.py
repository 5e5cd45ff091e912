"""A panel that is really served, a real browser, and a page of somebody else."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import http.server
import itertools
import os
import shutil
import threading
from pathlib import Path

import flask
import pytest

import control_panel
from localhost import server
from panel.login import mint_login_link
from settings import Home, Settings
from store.sqlite_store import SqliteStore
from tests.unit.panel.furnish import Furnisher

FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium's own shield of this machine (wicg.github.io/local-network-access) is not what is tested here.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
    # names of somebody else's, bound to this machine as an attacker's own name server would
    "--host-resolver-rules=MAP *.example 127.0.0.1",
]


def chromium_path() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        why = "there is no Chromium here; on Debian: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


@pytest.fixture(scope="module")
def chromium():
    path = chromium_path()
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


#: Pages and routes of panels that are served no more, for the next: they take long to make.
_UNUSED: list[flask.Flask] = []


class RunningPanel:
    """A panel that is served over a home of its own; with pages of its own where `pages` are given."""

    def __init__(self, home: Home, threads: int = 8, pages: flask.Flask | None = None) -> None:
        self.home = home
        self._threads = threads
        self.store = SqliteStore(home, Settings())
        self.store.reader.keep_counts(control_panel.COUNTS_KEPT_S)
        self.by = Furnisher(self.store)
        self._is_shared = pages is None
        pages = pages or (_UNUSED.pop() if _UNUSED else control_panel.new_app())
        self.app = control_panel.create_app(self.store, home, self.store.settings, port=0, pages=pages)
        self.port = 0
        self._stop, self._listening = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._leader = os.open(home.leader_lock, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._leader, fcntl.LOCK_EX)

    def _serve(self) -> None:
        server.serve(
            self.app,
            self.port,
            self._threads,
            self._stop,
            on_listening=self._note_port,
            on_closing=self.app.extensions["skep-panel"].streams.close,
        )

    def _note_port(self, port: int) -> None:
        self.port = port
        control_panel.listen_at(self.app, port)
        self._listening.set()

    def __enter__(self):
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def __exit__(self, *_):
        self.stop()
        os.close(self._leader)
        self.store.close()
        if self._is_shared:
            _UNUSED.append(self.app)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def link(self) -> str:
        return mint_login_link(self.home, self.port)

    def state(self, task_id: str) -> str:
        row = self.store.reader.task(task_id)
        return row["state"] if row is not None else "missing"


@contextlib.contextmanager
def visiting(context, running: RunningPanel, path: str = "/", refused: str = ""):
    """A page of a person who has logged in; what its console complained of is held against it.

    What is `refused` on purpose, such as ``422``, is told by Chromium and by htmx too.
    """
    page = context.new_page()
    complaints: list[str] = []
    page.goto(running.link)
    page.wait_for_selector("#live")
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    if path != "/":
        page.goto(f"{running.url}{path}")
    yield page
    unwanted = [told for told in complaints if not refused or refused not in told]
    assert unwanted == [], f"the console of {page.url} complains: {unwanted}"


@contextlib.contextmanager
def serving(root: Path):
    """Serve a page at another port: the same site as the panel, to browsers, or under another name."""
    handler = functools.partial(QuietHandler, directory=root)
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=other.serve_forever)
    thread.start()

    numbers = itertools.count()

    def serve(body: str, host: str = "127.0.0.1") -> str:
        name = f"page-{next(numbers)}.html"
        (root / name).write_text(f"<!doctype html><title>elsewhere</title>{body}")
        return f"http://{host}:{other.server_port}/{name}"

    yield serve
    other.shutdown()
    other.server_close()
    thread.join(10)


@pytest.fixture
def elsewhere(tmp_path):
    root = tmp_path / "elsewhere"
    root.mkdir()
    with serving(root) as serve:
        yield serve


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *arguments, directory: Path) -> None:
        super().__init__(*arguments, directory=str(directory))

    def log_message(self, *_) -> None:
        pass

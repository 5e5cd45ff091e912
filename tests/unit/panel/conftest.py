from __future__ import annotations

import fcntl
import os

import pytest

import control_panel
from panel.login import CodeBox
from settings import Home, Settings
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.new_home import put_database
from tests.unit.panel.furnish import Furnisher

PORT = 8421
OWN = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store(home, clock):
    with SqliteStore(put_database(home), Settings(), clock) as store:
        yield store


@pytest.fixture
def by(store):
    return Furnisher(store)


@pytest.fixture(scope="session")
def pages():
    """The routes of the panel, which take long to make, for one home after another."""
    return control_panel.new_app()


@pytest.fixture
def app(store, home, clock, pages):
    store.reader.keep_counts(60.0)  # what the panel's own store has written is in them all the same
    app = control_panel.create_app(store, home, store.settings, port=PORT, clock=clock, pages=pages)
    app.extensions["skep-panel"].pulse.age_s = 0.0  # what a test has just done is to be seen
    return app


class Browser:
    """The panel's own page, as far as its requests go."""

    def __init__(self, app) -> None:
        self._client = app.test_client()
        self._app = app
        self.csrf = ""

    def log_in(self, code):
        answer = self.post("/login", {"code": code})
        assert answer.status_code == 200, answer.text
        with self._client.session_transaction(base_url=OWN) as session:
            sessions = self._app.extensions["skep-panel"].sessions
            self.csrf = sessions._csrf_of[session["id"]]
        return self

    def get(self, path, headers=None, **options):
        sent = {"Sec-Fetch-Site": "same-origin"} | (headers or {})
        return self._client.get(path, base_url=OWN, headers=sent, buffered=True, **options)

    def post(self, path, body=None, headers=None, **options):
        sent = {"Sec-Fetch-Site": "same-origin", "Origin": OWN, "X-CSRF-Token": self.csrf} | (headers or {})
        if "data" not in options:
            options["json"] = body or {}
        sent = {name: value for name, value in sent.items() if value is not None}
        return self._client.post(path, base_url=OWN, headers=sent, **options)


@pytest.fixture
def stranger(app):
    """A browser that is not logged in."""
    return Browser(app)


@pytest.fixture
def browser(app, home, clock):
    """A browser that is logged in."""
    return Browser(app).log_in(CodeBox(home, clock).mint())


@pytest.fixture
def running_worker(home, store):
    """A worker leads this home, as far as anybody can tell."""
    handle = os.open(home.leader_lock, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield
    os.close(handle)

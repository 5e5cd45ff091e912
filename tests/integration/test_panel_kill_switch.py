"""The kill switch over the panel's API and page."""

from __future__ import annotations

import pytest

from errors import StoreBusy
from store.halting import Trip
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.conftest import OWN


def post(browser, word, **body):
    answer = browser.post(f"/api/v1/kill-switch/{word}", body)
    assert answer.status_code == 200, answer.text
    return answer.json


def events(store):
    return [(row["event"], row["data"]) for row in store.reader.events() if "kill" in row["event"]]


def test_it_is_set_with_a_reason_shown_and_cleared(browser, home, store):
    assert browser.get("/api/v1/kill-switch").json == {"on": False, "reason": None, "by": None, "since": None}

    told = post(browser, "on", reason="it loops")
    shown = browser.get("/api/v1/kill-switch").json

    assert (told["on"], told["reason"], told["by"]) == (True, "it loops", "panel")
    assert "stopped" in told["message"]
    assert shown == {name: value for name, value in told.items() if name != "message"}
    assert home.kill_switch.stat().st_mode & 0o777 == 0o600
    assert browser.get("/api/v1/status").json["kill_switch"] == shown

    assert post(browser, "off")["message"] == "The kill switch is cleared; work goes on."
    assert not home.kill_switch.exists()
    assert [event for event, _ in events(store)] == ["daemon.kill_switch_on", "daemon.kill_switch_off"]


def test_to_set_it_twice_keeps_it_set_and_the_reason_unless_another_is_given(browser, home):
    home.kill_switch.write_text("by hand")

    assert post(browser, "on")["reason"] == "by hand"
    assert post(browser, "on", reason="better")["reason"] == "better"
    post(browser, "off")
    assert post(browser, "off")["message"] == "The kill switch was not on."


def test_a_program_sets_it_with_the_token(app, store, home):
    home.token.write_text("the-token")
    home.token.chmod(0o600)
    headers = {"Authorization": "Bearer the-token"}

    answer = app.test_client().post("/api/v1/kill-switch/on", base_url=OWN, headers=headers, json={})

    assert (answer.status_code, answer.json["by"]) == (200, "api")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-CSRF-Token": None}, 403),
        ({"X-CSRF-Token": "wrong"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": None}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
@pytest.mark.parametrize("word", ["on", "off"])
def test_another_page_can_neither_set_nor_clear_it(browser, home, word, headers, status):
    if word == "off":
        home.kill_switch.touch()

    answer = browser.post(
        f"/api/v1/kill-switch/{word}", data=b"{}", headers={"Content-Type": "application/json"} | headers
    )

    assert answer.status_code == status
    assert home.kill_switch.exists() is (word == "off")


@pytest.mark.parametrize("word", ["on", "off"])
def test_nobody_sets_or_clears_it_without_a_login(stranger, home, word):
    assert stranger.post(f"/api/v1/kill-switch/{word}", {}).status_code == 401
    assert stranger.get("/api/v1/kill-switch").status_code == 401


@pytest.mark.parametrize("error", [StoreBusy(), TimeoutError()])
def test_it_works_when_the_store_does_not(browser, home, store, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(store, "note_kill_switch", fail)

    assert post(browser, "on", reason="r")["on"] is True
    assert home.kill_switch.exists()
    assert post(browser, "off")["on"] is False


def test_what_stands_there_is_cleared_whatever_it_is(browser, home):
    home.kill_switch.symlink_to("nowhere")
    assert browser.get("/api/v1/kill-switch").json["reason"] == "cannot be read: a symbolic link stands there"

    assert post(browser, "off")["on"] is False


def test_the_page_shows_it_above_all_else_and_at_once(browser, home, by):
    by.add("a")
    tag = browser.get("/live").headers["ETag"]
    assert 'id="kill-switch-on"' in browser.get("/live").text

    home.kill_switch.write_text("<script>alert(1)</script> \u202e")
    shown = browser.get("/live", headers={"If-None-Match": tag})

    assert shown.status_code == 200
    assert 'data-kind="killed"' in shown.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; \\u202e" in shown.text
    assert 'id="kill-switch-off"' in shown.text
    assert 'id="kill-switch-on"' not in shown.text
    assert browser.get("/live", headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304


def test_a_tripped_breaker_is_shown_and_reset_by_its_question(browser, store, by):
    by.add("a")
    store.trip_breaker(Trip("failures_in_a_row", "20 tasks in a row failed", 20), 0)
    page = browser.get("/live").text
    (question,) = browser.get("/api/v1/decisions").json["decisions"]

    assert 'data-kind="tripped"' in page
    assert 'id="resume"' in page
    assert "Go on" in browser.get("/inbox").text
    assert browser.get("/api/v1/status").json["circuit_breaker"]["rule"] == "failures_in_a_row"

    answer = browser.post(f"/api/v1/decisions/{question['id']}/answer", {"answer": "resume"})

    assert answer.json["message"] == "The circuit breaker is reset; work goes on."
    assert browser.get("/api/v1/status").json["circuit_breaker"] is None

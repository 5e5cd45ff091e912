"""The page of settings over a real store: values and sources, doctor's checks, how the queue file stands."""

from __future__ import annotations

import json
import os

import pytest

import control_panel
from commands.place import Place
from doctor.examination import examine
from panel.login import CodeBox
from panel.setting_views import shown
from setting_sources import load_settings
from settings import Settings
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.conftest import PORT, Browser
from tests.unit.panel.queue_keeper import keeping, save

KEY = "sk-ant-api03-" + "a1B2" * 12


@pytest.fixture
def keeper(store, home):
    with keeping(home, store) as keeper:
        yield keeper


def at(browser, name):
    parts = browser.get("/api/v1/settings").json["parts"]
    return next(each for part in parts for each in part["settings"] if each["name"] == name)


def panel_with(store, home, clock, flags=None):
    """A browser at a panel that has read its settings as it does at its start."""
    loaded = load_settings(home, os.environ, flags)
    app = control_panel.create_app(
        store, home, loaded.settings, port=PORT, clock=clock, sources=loaded.sources
    )
    return Browser(app).log_in(CodeBox(home, clock).mint())


# -- settings ----------------------------------------------------------------------------------------------


def test_every_setting_is_told_with_value_source_and_meaning(store, home, clock, monkeypatch):
    (home.root / "skep.toml").write_text("max_attempts = 5\n[llm]\nmodel = 'bees'\n", "utf-8")
    (home.root / "config").mkdir()
    (home.root / "config/skep.toml").write_text("max_attempts = 4\nlease_s = 20.0\n", "utf-8")
    monkeypatch.setenv("SKEP_QUEUE_POLL_S", "0.5")
    browser = panel_with(store, home, clock, {"panel_port": 4000})

    told = browser.get("/api/v1/settings").json

    names = [each["name"] for part in told["parts"] for each in part["settings"]]
    assert names == list(Settings.model_fields)
    sources = {
        name: at(browser, name)["source"] for name in names if at(browser, name)["source"] != "default"
    }
    assert sources == {
        "max_attempts": "skep.toml",
        "llm_model": "skep.toml",
        "lease_s": "config/skep.toml",
        "queue_poll_s": "environment",
        "panel_port": "command line",
    }
    assert (at(browser, "max_attempts")["value"], at(browser, "max_attempts")["default"]) == ("5", "3")
    page = Seen(browser.get("/settings")).text
    assert all(str(Settings.model_fields[name].description) in page for name in names)


def test_no_secret_of_the_settings_is_shown(store, home, clock):
    (home.root / "skep.toml").write_text(
        f"[llm]\napi_key = '{KEY}'\nbase_url = 'http://me:pass-Word-9417@127.0.0.1:9/v1'\n", "utf-8"
    )
    browser = panel_with(store, home, clock)

    for path in ("/settings", "/api/v1/settings"):
        text = browser.get(path).text
        assert KEY not in text
        assert "pass-Word-9417" not in text
    assert at(browser, "llm_api_key")["value"] == "set, and not shown"


def test_what_the_next_start_will_find_is_told(store, home, clock):
    browser = panel_with(store, home, clock)
    assert at(browser, "max_attempts")["next"] is None
    (home.root / "skep.toml").write_text("max_attempts = 7\n", "utf-8")

    assert at(browser, "max_attempts")["next"] == "7"
    assert "after the next start: 7" in Seen(browser.get("/settings")).text


def test_a_settings_file_that_was_broken_meanwhile_is_told(store, home, clock):
    browser = panel_with(store, home, clock)
    (home.root / "skep.toml").write_text("max_atempts = 7\n", "utf-8")

    assert "did you mean max_attempts?" in browser.get("/api/v1/settings").json["trouble"]
    assert "did you mean max_attempts?" in Seen(browser.get("/settings")).text


def test_values_read_as_a_settings_file_says_them():
    assert [shown(each) for each in (None, True, 28_420, 1_000_000, "x", {"a": 1}, {})] == [
        None, "true", "28420", "1_000_000", '"x"', '{ "a" = 1 }', "{}",
    ]  # fmt: skip


# -- doctor ------------------------------------------------------------------------------------------------


def test_doctors_checks_are_those_of_the_command_line(app, browser, home, monkeypatch):
    monkeypatch.setenv("SKEP_OLLAMA_URL", "http://127.0.0.1:9")
    app.extensions["skep-panel"].settings = Settings(ollama_url="http://127.0.0.1:9")
    assert browser.get("/api/v1/doctor").json["state"] == "never"
    assert browser.post("/api/v1/doctor/run").json["message"] == "The checks have begun."
    app.extensions["skep-panel"].doctor_check._thread.join(60)

    told = browser.get("/api/v1/doctor").json
    same = [each.to_json() for each in examine(Place(home))]

    assert told["state"] == "done"
    assert [each["check"] for each in told["result"]["checks"]] == [each["check"] for each in same]
    assert [each["level"] for each in told["result"]["checks"]] == [each["level"] for each in same]
    seen = Seen(browser.get("/settings"))
    assert all(each["check"] in seen.text for each in same)
    assert all(each["way_out"] in seen.text for each in told["result"]["checks"])


# -- the queue file ----------------------------------------------------------------------------------------


def test_a_broken_file_is_told_with_its_place_and_a_mended_one_too(browser, home, keeper):
    keeper.start_up()
    save(home, '{"tasks": [\n  {"id": "a", "prompt": "x"}\n  {"id": "b"}\n]}\n', keeper)

    told = browser.get("/api/v1/queue-file").json
    assert (told["error"]["line"], told["error"]["column"]) == (3, 3)
    assert told["error"]["excerpt"] == {"text": '  {"id": "b"}', "mark": "  ^"}
    page = Seen(browser.get("/settings")).text
    assert "It cannot be read, and has no effect as it is." in page
    assert '{"id": "b"}' in page

    save(home, '{"tasks": [{"id": "a", "prompt": "x"}, {"id": "b", "prompt": "y"}]}\n', keeper)

    told = browser.get("/api/v1/queue-file").json
    assert told["error"] is None
    assert (told["last_merge"]["added"], told["last_merge"]["refused"]) == (2, 0)
    assert "It can be read" in Seen(browser.get("/settings")).text


def test_the_state_of_the_file_changes_the_tag_though_no_event_tells_it(browser, home, keeper):
    keeper.start_up()
    save(home, '{"tasks": [}', keeper)
    tag = browser.get("/settings/live").headers["ETag"]
    assert browser.get("/settings/live", headers={"If-None-Match": tag}).status_code == 304
    home.queue_file.with_name("queue.json.error").unlink()

    assert browser.get("/settings/live", headers={"If-None-Match": tag}).status_code == 200


def test_a_mass_removal_waits_with_its_tasks_and_both_answers(browser, home, keeper, by, store):
    by.add(*[f"t{number}" for number in range(30)])
    keeper.start_up()
    keeper.project()
    queue = json.loads(home.queue_file.read_text())
    save(home, json.dumps(queue | {"tasks": []}), keeper)

    (removal,) = browser.get("/api/v1/queue-file").json["removals"]
    assert (removal["options"], len(removal["ids"])) == (["accept", "keep"], 30)
    seen = Seen(browser.get("/settings"))
    assert {"Cancel them", "Keep them"} <= {
        button.partition(f" {removal['id']}")[0] for button in seen.buttons()
    }

    answer = browser.post(f"/api/v1/decisions/{removal['id']}/answer", {"answer": "keep"})
    assert answer.status_code == 200
    assert browser.get("/api/v1/queue-file").json["removals"] == []
    assert store.reader.counts()["pending"] == 30


REFUSED = """{"api_endpoint": "http://evil.example/x",
 "tasks": [
  {"id": "a", "prompt": "x"},
  {"id": "b", "prompt": "x", "priority": "high"},
  {"id": "a", "prompt": "another"}
]}"""


def test_refused_entries_are_listed_with_path_rule_and_place_and_no_sentence_says_all_is_fine(
    browser, home, keeper
):
    keeper.start_up()
    save(home, REFUSED, keeper)
    keeper.project()

    told = browser.get("/api/v1/queue-file").json
    assert told["refused"]["count"] == 2
    twin, wrong = told["refused"]["entries"]
    assert (wrong["id"], wrong["path"], wrong["rule"]) == (
        "b", "tasks[1].priority", "must be a whole number, got 'high'",
    )  # fmt: skip
    assert (twin["path"], twin["rule"]) == (
        "tasks[2].id", "'a' stands at tasks[0] already; give it another id",
    )  # fmt: skip
    lines = home.queue_file.read_text().splitlines()
    assert lines[wrong["line"] - 1][wrong["column"] - 1 :].startswith('{"id":"b"')
    assert [each["path"] for each in told["keys_refused"]] == ["api_endpoint"]

    page = Seen(browser.get("/settings")).text
    assert "2 entries were refused and do nothing until corrected; 1 key has no effect" in page
    assert "tasks[1].priority must be a whole number" in page
    assert "nothing is wrong" not in page


def test_the_overview_agrees_about_refused_entries_until_they_are_corrected(browser, home, keeper):
    keeper.start_up()
    save(home, '{"tasks": [{"id": "b", "prompt": "x", "priority": "high"}]}', keeper)
    keeper.project()

    status = browser.get("/api/v1/status").json
    assert (status["refused_entries"], status["health"]["sentence"]) == (
        1, "Nothing runs, nothing waits, 1 refused entry to correct.",
    )  # fmt: skip
    assert "1 entry of the queue was refused and does nothing until corrected." in Seen(browser.get("/")).text

    queue = json.loads(home.queue_file.read_text())
    corrected = {"id": "b", "prompt": "x", "priority": 3}
    save(home, json.dumps(queue | {"failed": [], "tasks": [corrected]}), keeper)

    assert browser.get("/api/v1/status").json["refused_entries"] == 0
    assert browser.get("/api/v1/queue-file").json["refused"] == {"count": 0, "entries": []}
    assert "nothing is wrong with it" in Seen(browser.get("/settings")).text


def test_faults_of_a_file_that_nobody_has_read_are_told(browser, home):
    home.queue_file.write_text('{"tasks": [{"id": "b", "prompt": 5}]}')

    told = browser.get("/api/v1/queue-file").json

    assert told["unread_problems"] == [{"path": "tasks[0].prompt", "rule": "must be a text, got 5"}]
    assert "what nobody has read yet has 1 fault" in Seen(browser.get("/settings")).text


def test_what_was_kept_aside_is_named(browser, home):
    for folder, name in ((home.conflicts, "t1.3.json"), (home.inbox / "refused", "x.json")):
        folder.mkdir(parents=True)
        (folder / name).write_text("x")

    told = browser.get("/api/v1/queue-file").json

    assert (told["conflicts"]["count"], told["conflicts"]["files"][0]["name"]) == (1, "t1.3.json")
    seen = Seen(browser.get("/settings")).text
    assert "1 kept aside in conflicts/" in seen
    assert "1 refused in inbox/refused/" in seen


def test_no_strange_file_in_the_place_of_the_queue_file_holds_the_page_up(browser, home, store, keeper):
    keeper.start_up()
    save(home, '{"tasks": [}', keeper)
    home.queue_file.unlink()
    os.mkfifo(home.queue_file)

    assert browser.get("/api/v1/queue-file").json["error"]["excerpt"] is None


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_is_only_text(browser, home, keeper, text):
    clean = text.encode("utf-8", "replace").decode()
    keeper.start_up()
    save(home, json.dumps({"tasks": [{"id": "odd", "prompt": "x", clean: 1}]}), keeper)
    save(home, f'{{"tasks": [\n{clean}', keeper)
    home.conflicts.mkdir(exist_ok=True)
    (home.conflicts / clean.replace("/", "")).write_text("x")

    assert browser.get("/api/v1/queue-file").status_code == 200
    page = browser.get("/settings")
    seen = Seen(page)
    assert page.status_code == 200
    assert [found for tag, found in seen.tags if tag == "script" and "src" not in found] == []
    assert [found for tag, found in seen.tags if tag == "img" and "onerror" in found] == []
    assert not any(name.startswith(("on", "hx-on")) for _, found in seen.tags for name in found)
    assert not any(mark in page.text for mark in "\x00\x07\x1b\u202e")


@pytest.mark.parametrize("path", ["/settings", "/api/v1/settings", "/api/v1/doctor", "/api/v1/queue-file"])
def test_nobody_looks_without_a_login(stranger, path):
    assert stranger.get(path).status_code == 401
    assert stranger.post("/api/v1/doctor/run").status_code == 401
